/** Arms of a trial by hand. */
import type { LossSum } from '../../../controller/decide/loss.ts';
import { addMean, type Moments, noMoments } from '../../../controller/decide/moments.ts';

/** A window of one arm: attempts, their mean loss in ms, failures among them. */
export function arm(attempts: number, meanMs = 20, failures = 0): LossSum {
  return { attempts, failures, lossSumMs: attempts * meanMs };
}

export const nobody = arm(0);

/** Window means that alternate a little about `meanMs`. */
export function momentsAbout(meanMs: number, windows = 20): Moments {
  const moments = noMoments();
  for (let i = 0; i < windows; i++) addMean(moments, meanMs * (i % 2 === 0 ? 0.98 : 1.02));
  return moments;
}
