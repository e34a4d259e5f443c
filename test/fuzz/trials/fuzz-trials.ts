/**
 * Trials of the whole core on a noisy service whose seconds share shocks: A/A, where both arms cost the same and whatever is
 * found is false, and A/B with a true difference, where it is counted how long the verdict takes.
 *
 * A trial is had without waiting for a policy to be deceived: weights are pinned, unpinned, and the policy `equal` wants them
 * even. In an A/A both backends are the same, so the arms' weights make no difference; in an A/B the trial arm is better by
 * the fifth that the question asks for.
 */

import { seeded } from '../../support/random.ts';
import { routeOf, SimulatedMesh } from '../../support/simulated-mesh.ts';

const SERVICE = 'search.demo:8080';
const MEAN_MS = 30;
/** Log-normal, standard deviation 1.3 times the mean. */
const SIGMA = 1;
const ERROR_RATIO = 0.005;
/** Each second the service is slower or faster by a factor about so far from 1. */
const SHOCK = 0.25;
const MOST_SECONDS = 900;

export interface TrialResult {
  /** `better` and `worse`: beyond chance. `open`: the time was up. `guard`: ended for another reason. */
  readonly finding: 'better' | 'worse' | 'open' | 'guard';
  readonly why: string;
  /** From the first stage to the verdict. */
  readonly seconds: number;
}

export interface TrialOptions {
  readonly seed: number;
  readonly loadRps: number;
  /** By how much less a call of the trial arm costs, 0 to 1. */
  readonly betterBy: number;
}

/** One trial from its first stage to its verdict. */
export function oneTrial({ seed, loadRps, betterBy }: TrialOptions): TrialResult {
  const mesh = new SimulatedMesh(
    routeOf(['v1', 'v2'], '  policy: equal\n  guard: { maxStep: 0.5 }'),
    { '': loadRps },
    seed,
  );
  const random = seeded(seed + 1_000_000);
  // From 95 % on v1 to 50 %: what v2 must cost for the mean to fall by `betterBy`.
  const stableShare = 0.95;
  const factor = ((1 - betterBy) * stableShare - 0.5) / (0.5 - (1 - betterBy) * (1 - stableShare));
  const shock = () => {
    const meanMs = MEAN_MS * Math.exp(SHOCK * (random() + random() + random() - 1.5) * 2);
    Object.assign(mesh.backends.v1 ?? {}, { meanMs, sigma: SIGMA, errorRatio: ERROR_RATIO });
    Object.assign(mesh.backends.v2 ?? {}, { meanMs: meanMs * factor, sigma: SIGMA, errorRatio: ERROR_RATIO * factor });
  };
  shock();
  mesh.controller.pin(SERVICE, '*', { v1: 9_500, v2: 500 }, 'fuzz', 'a trial to come', mesh.at());
  mesh.controller.unpin(SERVICE, '*', 'fuzz', mesh.at());
  for (let second = 0; second < MOST_SECONDS; second++) {
    shock();
    mesh.run(1);
    const verdict = mesh.decisions.find(({ kind }) => kind === 'verdict');
    const start = mesh.decisions.find(({ kind }) => kind === 'trial');
    if (verdict && start)
      return { finding: findingOf(verdict.why), why: verdict.why, seconds: (verdict.atMs - start.atMs) / 1_000 };
  }
  throw new Error(`seed ${seed}: no verdict in ${MOST_SECONDS} s: ${mesh.kinds().join(', ')}`);
}

export interface TrialFigures {
  readonly trials: number;
  readonly better: number;
  readonly worse: number;
  readonly open: number;
  readonly guard: number;
  readonly medianSeconds: number;
  readonly p90Seconds: number;
  readonly reasons: readonly string[];
}

export function manyTrials(trials: number, options: TrialOptions): TrialFigures {
  const results = Array.from({ length: trials }, (_, i) => oneTrial({ ...options, seed: options.seed + i }));
  const count = (finding: TrialResult['finding']) => results.filter((result) => result.finding === finding).length;
  const seconds = results.map((result) => result.seconds).sort((a, b) => a - b);
  const at = (part: number) => seconds[Math.min(trials - 1, Math.floor(part * trials))] ?? 0;
  return {
    trials,
    better: count('better'),
    worse: count('worse'),
    open: count('open'),
    guard: count('guard'),
    medianSeconds: at(0.5),
    p90Seconds: at(0.9),
    reasons: results.filter(({ finding }) => finding === 'guard').map(({ why }) => why),
  };
}

/** What the sentence of a verdict says: `better` and `worse` are beyond chance, `open` is no difference, `guard` anything else. */
export function findingOf(why: string): TrialResult['finding'] {
  if (why.startsWith('better beyond chance')) return 'better';
  if (/did harm beyond chance|failed .* beyond chance/.test(why)) return 'worse';
  return why.startsWith('no difference shown') ? 'open' : 'guard';
}
