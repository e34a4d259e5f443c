/**
 * After a verdict: the weights that were kept are watched for a minute more, because what a trial shows on a part of
 * the requests, or in its first seconds, need not last. Worse beyond chance than before the trial, and they are reverted.
 * Where the load has grown by half since, the comparison says nothing of the weights and the watch ends.
 */
import { addMean, compare, isWorse, type Moments, noMoments } from '../decide/moments.ts';
import type { Weights } from '../decide/policy.ts';
import { milliseconds } from '../decide/say.ts';

const WATCH_MS = 60_000;
const WORSE_FACTOR = 1.25;
const LOAD_FACTOR = 1.5;
/** About the last ten windows count. */
const KEPT = 0.9;

export interface Watch {
  readonly trialId: number;
  readonly back: Weights;
  readonly before: Moments;
  readonly beforeRps: number;
  readonly untilMs: number;
  readonly after: Moments;
}

export type WatchStep =
  | { readonly kind: 'watch' }
  | { readonly kind: 'over' }
  | { readonly kind: 'revert'; readonly why: string };

export function startWatch(start: Omit<Watch, 'untilMs' | 'after'>, nowMs: number): Watch {
  return { ...start, untilMs: nowMs + WATCH_MS, after: noMoments() };
}

/** @param meanLossMs mean loss of the window that ended; absent when there was no call in it */
export function stepWatch(watch: Watch, meanLossMs: number | undefined, loadRps: number, nowMs: number): WatchStep {
  if (nowMs >= watch.untilMs || loadRps > watch.beforeRps * LOAD_FACTOR) return { kind: 'over' };
  if (meanLossMs === undefined) return { kind: 'watch' };
  addMean(watch.after, meanLossMs, KEPT);
  const comparison = compare(watch.before, watch.after);
  if (!isWorse(comparison, WORSE_FACTOR)) return { kind: 'watch' };
  const why = `after the weights were kept a call came to cost ${milliseconds(comparison.afterMs)}, against ${milliseconds(comparison.beforeMs)} before them, worse beyond chance`;
  return { kind: 'revert', why };
}
