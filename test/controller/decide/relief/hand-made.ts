/** Evidence by hand: what a test does not name is as expected of a healthy backend with a good past. */
import { type Evidence, evidenceOf } from '../../../../controller/decide/relief/judge.ts';
import type { Past, WindowCounts } from '../../../../controller/decide/relief/lane.ts';

export const TARGET_MS = 500;

/** What a long life at 60 calls a second and 20 ms leaves, one in a thousand failed. */
export const goodPast: Past = {
  attempts: 5_000,
  errorRatio: 0.001,
  errorBound: 0.003,
  slowBound: 0.01,
  slowAboveMs: 80,
  lossMs: 25,
};

export const noPast: Past = { attempts: 0, errorRatio: 0, errorBound: 1, slowBound: 1, slowAboveMs: 0, lossMs: 0 };

/** A window of 60 attempts at 20 ms; failures cost the worst, slow calls 100 ms, unless the test says otherwise. */
export function counts(more: Partial<WindowCounts> = {}): WindowCounts {
  const { attempts = 60, failures = 0, slow = 0 } = more;
  const answered = attempts - failures;
  const lossSumMs = failures * 10 * TARGET_MS + slow * 100 + (answered - slow) * 20;
  return { atMs: 0, passedMs: 1_000, attempts, failures, answered, slow, lossSumMs, ...more };
}

export function evidence(more: Partial<WindowCounts> = {}, past: Past = goodPast): Evidence {
  return evidenceOf([counts(more)], past);
}
