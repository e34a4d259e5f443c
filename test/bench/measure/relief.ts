/**
 * From a fault to relief: when the harmed backend had lost half of its share for good. Half and not all, because a backend
 * that became slower is still of use, and who keeps as much there as it can bear has relieved it too. Pure.
 */
import type { Fault } from '../../../deploy/local/show/faults.ts';
import type { Tally } from '../../../deploy/local/show/tally.ts';

const STEP_MS = 250;
const WINDOW_MS = 1000;
/** It must stay so for this long: a share over one second swings. */
const HOLD_MS = 2000;
const BEFORE_MS = 10_000;
const LEAST_CALLS = 10;
const RELIEVED_PART = 0.5;

/**
 * Seconds from the fault until the share over the last second fell below half of the one before the fault and stayed there for
 * 2 s; the time said is the end of the first such second, and so never too early. Undefined: never while the fault lasted.
 */
export function reliefOf(tally: Tally, { cluster, siblings, brokenMs, healedMs }: Fault): number | undefined {
  const share = (fromMs: number, toMs: number) => tally.shareIn(cluster, siblings, fromMs, toMs, LEAST_CALLS);
  const before = share(brokenMs - BEFORE_MS, brokenMs);
  if (before === undefined || before === 0) return undefined;
  const isRelieved = (atMs: number) => (share(atMs - WINDOW_MS, atMs) ?? 1) < RELIEVED_PART * before;
  let sinceMs: number | undefined;
  for (let atMs = brokenMs + WINDOW_MS; atMs <= healedMs; atMs += STEP_MS) {
    sinceMs = isRelieved(atMs) ? (sinceMs ?? atMs) : undefined;
    if (sinceMs !== undefined && atMs - sinceMs >= HOLD_MS) return (sinceMs - brokenMs) / 1000;
  }
  return undefined;
}
