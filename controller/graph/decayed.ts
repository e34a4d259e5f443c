/**
 * A picture of an edge that forgets: every figure halves each half-life, so that what happened lately weighs most and no
 * window has an edge that figures jump at. It holds no clock: each function is told the instant it should believe in.
 * Calls of a window are taken as spread evenly over it, which makes a steady load read as exactly that load.
 */
import { middleUs, SLOT_COUNT, slotOf } from './histogram.ts';
import type { Tally } from './tally.ts';

/** Fewer decayed attempts than this are none: halving never reaches zero, and a figure must not outlive its calls. */
const FORGOTTEN = 1e-3;
/** Likewise of a slot; far below, where numbers are denormal, arithmetic is also slow. */
const NO_CALL = 1e-9;

export interface Decayed {
  readonly halfLifeMs: number;
  atMs: number;
  /** Decayed ms that stand behind the sums. */
  seenMs: number;
  calls: number;
  attempts: number;
  failures: number;
  inFlightMs: number;
  readonly slots: Float32Array;
}

/** @param sinceMs start of the first window that will be added */
export function newDecayed(halfLifeMs: number, sinceMs: number): Decayed {
  const slots = new Float32Array(SLOT_COUNT);
  return { halfLifeMs, atMs: sinceMs, seenMs: 0, calls: 0, attempts: 0, failures: 0, inFlightMs: 0, slots };
}

/** Adds the window from the instant of the last one to `nowMs`; of two at the same instant the second adds no time. */
export function addTally(to: Decayed, tally: Tally, nowMs: number): void {
  const passedMs = Math.max(0, nowMs - to.atMs);
  const kept = 2 ** (-passedMs / to.halfLifeMs);
  const keptCalls = to.attempts * kept < FORGOTTEN ? 0 : kept;
  const spread = meanDecay(passedMs, kept, to.halfLifeMs);
  to.atMs = Math.max(to.atMs, nowMs);
  to.seenMs = to.seenMs * kept + passedMs * spread;
  to.calls = to.calls * keptCalls + tally.calls * spread;
  to.attempts = to.attempts * keptCalls + tally.attempts * spread;
  to.failures = to.failures * keptCalls + tally.failures * spread;
  to.inFlightMs = to.inFlightMs * kept + tally.inFlightMs * spread;
  const { slots } = to;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const left = (slots[slot] ?? 0) * keptCalls;
    slots[slot] = left < NO_CALL ? 0 : left;
  }
  const { latency } = tally;
  for (let i = 0; i + 1 < latency.length; i += 2) {
    const slot = slotOf(latency[i] ?? 0);
    slots[slot] = (slots[slot] ?? 0) + (latency[i + 1] ?? 0) * spread;
  }
}

/** Calls per second, as of `nowMs`, silence since the last window included. */
export function loadRps(of: Decayed, nowMs: number): number {
  const { kept, seenMs } = agedTo(of, nowMs);
  return seenMs > 0 ? (of.calls * kept * 1_000) / seenMs : 0;
}

/** Mean requests in flight. */
export function inFlight(of: Decayed, nowMs: number): number {
  const { kept, seenMs } = agedTo(of, nowMs);
  return seenMs > 0 ? (of.inFlightMs * kept) / seenMs : 0;
}

/** Failures over attempts, 0 to 1; 0 without any. */
export function errorRatio(of: Decayed): number {
  return of.attempts > 0 ? of.failures / of.attempts : 0;
}

/** Latency in ms that the share `quantile` (0 to 1) of answered calls stayed within; 0 without any. */
export function quantileMs(of: Decayed, quantile: number): number {
  const total = answered(of);
  if (total <= 0) return 0;
  let seen = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    seen += of.slots[slot] ?? 0;
    if (seen > 0 && seen >= quantile * total) return middleUs(slot) / 1_000;
  }
  return middleUs(SLOT_COUNT - 1) / 1_000;
}

/** Mean latency of answered calls in ms, clipped at `atMostMs`, and its mean square; zeros without any. */
export function latencyMoments(
  of: Decayed,
  atMostMs: number,
): { count: number; meanMs: number; meanSquareMs2: number } {
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const weight = of.slots[slot] ?? 0;
    if (weight === 0) continue;
    const ms = Math.min(middleUs(slot) / 1_000, atMostMs);
    count += weight;
    sum += weight * ms;
    squares += weight * ms * ms;
  }
  if (count <= 0) return { count: 0, meanMs: 0, meanSquareMs2: 0 };
  return { count, meanMs: sum / count, meanSquareMs2: squares / count };
}

/** Decayed count of answered calls, and of those in slots above the one that `latencyUs` falls into. */
export function answeredAbove(of: Decayed, latencyUs: number): { answered: number; above: number } {
  const border = slotOf(latencyUs);
  let above = 0;
  for (let slot = border + 1; slot < SLOT_COUNT; slot++) above += of.slots[slot] ?? 0;
  return { answered: answered(of), above };
}

function answered(of: Decayed): number {
  let total = 0;
  for (const weight of of.slots) total += weight;
  return total;
}

function agedTo(of: Decayed, nowMs: number): { kept: number; seenMs: number } {
  const passedMs = Math.max(0, nowMs - of.atMs);
  const kept = 2 ** (-passedMs / of.halfLifeMs);
  return { kept, seenMs: of.seenMs * kept + passedMs * meanDecay(passedMs, kept, of.halfLifeMs) };
}

/** Mean weight of what came evenly over the last `passedMs`. */
function meanDecay(passedMs: number, kept: number, halfLifeMs: number): number {
  return passedMs > 0 ? ((1 - kept) * halfLifeMs) / (Math.LN2 * passedMs) : 1;
}
