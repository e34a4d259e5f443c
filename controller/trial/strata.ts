/**
 * What all calls of a window say of both arms. A call waits in the same queue whichever arm drew its backend, so the arms
 * differ by nothing but how often each backend is drawn; comparing the calls of one arm with those of the other adds the luck
 * of the draw, which is most of the noise where backends differ. So the loss of an arm is added up from its shares
 * and from the mean loss at each backend, calls of both arms together: post-stratification, as surveys do (Holt and Smith,
 * "Post Stratification", Journal of the Royal Statistical Society A 1979). Miratrix, Sekhon and Yu do so for trials: "Adjusting
 * treatment effect estimates by post-stratification in randomized experiments", JRSS B 2013.
 *
 * Draws do not follow the weights exactly, since the filter prefers, of two backends drawn, the one with fewer requests in
 * flight. How far a backend is drawn over or under its weight is taken from all calls of the trial so far.
 */
import { emptyLoss, type LossSum } from '../decide/loss.ts';
import type { Weights } from '../decide/policy.ts';
import { shareOf } from '../decide/weights.ts';

/** Calls of one window, by arm, and by backend whatever the arm. */
export interface Arms {
  readonly trial: LossSum;
  readonly stable: LossSum;
  readonly byBackend: ReadonlyMap<string, LossSum>;
}

/** What is known of a backend since the trial began. */
export interface Stratum {
  readonly seen: LossSum;
  /** Calls that it would have had, had draws followed the weights. */
  expected: number;
}

export type Strata = Map<string, Stratum>;

/** Fewer expected calls say nothing of how a backend is drawn. */
const LEAST_EXPECTED = 20;

/**
 * Takes a window.
 * @returns the loss of each arm if it had had all calls of the window; undefined before each backend that is drawn was seen
 */
export function armsByStrata(
  strata: Strata,
  from: Weights,
  to: Weights,
  { trial, stable, byBackend }: Arms,
): { readonly trial: LossSum; readonly stable: LossSum } | undefined {
  const names = Object.keys({ ...from, ...to });
  for (const name of names) {
    const stratum = strata.get(name) ?? { seen: emptyLoss(), expected: 0 };
    strata.set(name, stratum);
    const window = byBackend.get(name) ?? emptyLoss();
    stratum.seen.attempts += window.attempts;
    stratum.seen.failures += window.failures;
    stratum.seen.lossSumMs += window.lossSumMs;
    stratum.expected += trial.attempts * shareOf(to, name) + stable.attempts * shareOf(from, name);
  }
  const attempts = names.reduce((sum, name) => sum + (byBackend.get(name)?.attempts ?? 0), 0);
  const trialMs = meanBy(to, strata, byBackend);
  const stableMs = meanBy(from, strata, byBackend);
  if (trialMs === undefined || stableMs === undefined) return undefined;
  return {
    trial: { attempts, failures: 0, lossSumMs: attempts * trialMs },
    stable: { attempts, failures: 0, lossSumMs: attempts * stableMs },
  };
}

/** Mean loss of a call drawn by these weights, by the window's means; by the trial's where a backend had no call in it. */
function meanBy(weights: Weights, strata: Strata, byBackend: Arms['byBackend']): number | undefined {
  let total = 0;
  let sum = 0;
  for (const [name, { seen, expected }] of strata) {
    const weight = shareOf(weights, name);
    if (weight === 0) continue;
    if (seen.attempts === 0) return undefined;
    const drawn = weight * (expected >= LEAST_EXPECTED ? seen.attempts / expected : 1);
    const window = byBackend.get(name);
    const { lossSumMs, attempts } = window && window.attempts > 0 ? window : seen;
    total += drawn;
    sum += (drawn * lossSumMs) / attempts;
  }
  return total > 0 ? sum / total : undefined;
}
