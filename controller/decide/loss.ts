/**
 * What better means: one number per attempt, in ms, lower is better. An answered call costs its latency, at most the
 * worst; a failed attempt costs the worst, so that a backend which fails fast does not look fast; a call that leaves its
 * zone costs what the route says beside that.
 *
 * The worst is WORST_TARGETS times the latency target: far enough out that ten slow calls are not one failure's equal,
 * near enough that a single call of a minute does not drown a window of good ones.
 */
import { type Decayed, latencyMoments } from '../graph/decayed.ts';
import type { Tally } from '../graph/tally.ts';

const WORST_TARGETS = 10;

/** @param targetMs the objective's latency target */
export function worstMs(targetMs: number): number {
  return WORST_TARGETS * targetMs;
}

export interface LossSum {
  attempts: number;
  failures: number;
  lossSumMs: number;
}

export function emptyLoss(): LossSum {
  return { attempts: 0, failures: 0, lossSumMs: 0 };
}

/** Adds one edge's window. @param extraMs cost of each attempt beside its latency */
export function addLoss(
  to: LossSum,
  tally: Pick<Tally, 'attempts' | 'failures' | 'latency'>,
  worst: number,
  extraMs: number,
): void {
  to.attempts += tally.attempts;
  to.failures += tally.failures;
  to.lossSumMs += lossSumMs(tally, worst) + tally.attempts * extraMs;
}

/** Sum of the loss of a window's attempts, ms. */
export function lossSumMs({ failures, latency }: Pick<Tally, 'failures' | 'latency'>, worst: number): number {
  let sum = failures * worst;
  for (let i = 0; i + 1 < latency.length; i += 2) {
    sum += Math.min((latency[i] ?? 0) / 1_000, worst) * (latency[i + 1] ?? 0);
  }
  return sum;
}

/** Mean and variance of the loss of an attempt; zeros without any. */
export function lossOf(picture: Decayed, worst: number, extraMs = 0): { meanMs: number; varianceMs2: number } {
  const answered = latencyMoments(picture, worst);
  const count = answered.count + picture.failures;
  if (count <= 0) return { meanMs: 0, varianceMs2: 0 };
  const mean = (answered.count * answered.meanMs + picture.failures * worst) / count;
  const square = (answered.count * answered.meanSquareMs2 + picture.failures * worst * worst) / count;
  return { meanMs: mean + extraMs, varianceMs2: Math.max(0, square - mean * mean) };
}
