/** Arms of a trial by hand. */
import type { LossSum } from '../../../controller/decide/loss.ts';
import { addMean, type Moments, noMoments } from '../../../controller/decide/moments.ts';
import type { Arms } from '../../../controller/trial/strata.ts';

/** A window of one arm: attempts, their mean loss in ms, failures among them. */
export function arm(attempts: number, meanMs = 20, failures = 0): LossSum {
  return { attempts, failures, lossSumMs: attempts * meanMs };
}

export const nobody = arm(0);

/**
 * A window of a trial from { v1: 5,000, v2: 5,000 } to { v1: 7,000, v2: 3,000 }: what both arms saw, and the calls of both at
 * each backend whose means add up to just that.
 */
export function windowOf(trial: LossSum, stable: LossSum): Arms {
  const meanOf = ({ attempts, lossSumMs }: LossSum) => (attempts > 0 ? lossSumMs / attempts : undefined);
  const stableMs = meanOf(stable) ?? meanOf(trial) ?? 0;
  const perShareMs = ((meanOf(trial) ?? stableMs) - stableMs) / 0.2;
  const at = (trialShare: number, meanMs: number) => {
    const attempts = trial.attempts * trialShare + stable.attempts * 0.5;
    return { attempts, failures: 0, lossSumMs: attempts * meanMs };
  };
  const byBackend = new Map([
    ['v1', at(0.7, stableMs + perShareMs / 2)],
    ['v2', at(0.3, stableMs - perShareMs / 2)],
  ]);
  return { trial, stable, byBackend };
}

/** Window means that alternate a little about `meanMs`. */
export function momentsAbout(meanMs: number, windows = 20): Moments {
  const moments = noMoments();
  for (let i = 0; i < windows; i++) addMean(moments, meanMs * (i % 2 === 0 ? 0.98 : 1.02));
  return moments;
}
