/**
 * The way back of a relieved backend. It climbs from the probe share in factors of three (2, 6, 18, 54 %), each rung after
 * the newest calls have shown that they are no longer as they were at the fault and not worse than the past. If it turns
 * bad on the way it falls back to the probe at once, and each fall doubles the wait before the next climb.
 *
 * At 60 calls a second and a share of 33 % before: some 5 s for the first three good calls of the probe, 3 s on each rung after,
 * so more than half of the old share within 9 to 15 s.
 */
import { lowerTail, upperTail } from './chance.ts';
import type { Evidence, Fault } from './judge.ts';

export interface Relief {
  readonly fault: Fault;
  readonly sinceMs: number;
  /** Share that it gets at most, 0 to 1. */
  share: number;
  /** Last time the share changed. */
  stepAtMs: number;
  /** Whether it is still on its way down: slowness is answered in steps, since its cause may be the load itself. */
  isDescending: boolean;
  /** Share of attempts that failed or were slow at the fault, or in the probes since where that is more. */
  badRatio: number;
}

export type Rung = { readonly kind: 'stay' } | { readonly kind: 'up' | 'down'; readonly evidence: Evidence };

const CLIMB_FACTOR = 3;
/** The table takes up to a window to be in force, and the window it fell into says nothing of the new share. */
export const BLIND_MS = 1_500;
const RUNG_MS = 3_000;
/** The table, a rung, and as long again for a queue to be served and a few calls to show it. */
const LOAD_SHOWS_MS = 8_000;
const FIRST_WAIT_MS = 4_000;
const LONGEST_WAIT_MS = 120_000;
/** A fault that returns within this time after its relief ended counts as a failed climb. */
const REMEMBERED_MS = 300_000;
/** Fewer calls show neither that it is well again nor, on the way up, that it is not. */
const LEAST_GOOD_CALLS = 3;
const LEAST_BAD_CALLS = 5;
/** Chance that a backend as bad as at the fault looks this good; the price of a mistake is one rung for a few seconds. */
const STILL_BAD = 0.02;
/** Chance of so many bad calls in a backend that is as in its past; below it the step waits for better ones. */
const WORSE_THAN_PAST = 0.2;
/** Known to have been bad, it is believed to be bad again sooner than a healthy one. */
const BAD_AGAIN = 1e-3;
const BAD_AGAIN_RATIO = 0.15;
/** Mean loss on the way up may be this many times the past's. */
const LOSS_FACTOR = 2;

/** @param share the first share, the probe's or, for slowness, what the others can take over at once */
export function startRelief(
  fault: Fault,
  badRatio: number,
  share: number,
  isDescending: boolean,
  nowMs: number,
): Relief {
  return { fault, sinceMs: nowMs, share, stepAtMs: nowMs, isDescending, badRatio };
}

/** Share of attempts that failed or were slow. */
export function badRatioOf({ failures, slow, attempts }: Evidence): number {
  return (failures + slow) / Math.max(1, attempts);
}

/**
 * What the probes say of how bad it is: the window in which a fault is found holds good calls from before it too. One more
 * attempt than there were, so that a few bad ones in a row do not make it hopeless, and three good ones then proof.
 */
export function learnBadRatio(relief: Relief, probes: Evidence): void {
  const { failures, slow, attempts } = probes;
  if (attempts >= LEAST_BAD_CALLS) relief.badRatio = Math.max(relief.badRatio, (failures + slow) / (attempts + 1));
}

/**
 * Whether a backend that is well again on its way down was slow for its load: then having less of it shows within seconds. One
 * that stayed slow with less for longer was slow for another reason, which is over.
 */
export function wasItLoad({ stepAtMs }: Relief, nowMs: number): boolean {
  return nowMs - stepAtMs <= LOAD_SHOWS_MS;
}

/** Failed climbs that a new relief starts with. */
export function climbsBefore(failedClimbs: number, relievedUntilMs: number, nowMs: number): number {
  return nowMs - relievedUntilMs < REMEMBERED_MS ? failedClimbs + 1 : 0;
}

export function waitMs(isProbing: boolean, failedClimbs: number): number {
  return isProbing ? Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failedClimbs) : RUNG_MS;
}

/** The next share upwards; `stableShare` or more means that the relief is over. */
export function nextShare(share: number): number {
  return share * CLIMB_FACTOR;
}

/**
 * @param suffixes evidence since the last step: of the newest window, the newest two, and so on
 * @param isProbing whether it is on the lowest rung
 */
export function nextRung(
  relief: Relief,
  suffixes: readonly Evidence[],
  isProbing: boolean,
  failedClimbs: number,
  nowMs: number,
): Rung {
  const all = suffixes.at(-1);
  if (!all) return { kind: 'stay' };
  if (!isProbing && isBadAgain(suffixes)) return { kind: 'down', evidence: all };
  if (nowMs - relief.stepAtMs < waitMs(isProbing, failedClimbs)) return { kind: 'stay' };
  const good = suffixes.find((evidence) => isGood(evidence, relief));
  return good ? { kind: 'up', evidence: good } : { kind: 'stay' };
}

function isGood(evidence: Evidence, relief: Relief): boolean {
  const { attempts, failures, slow, lossSumMs, expectedLossSumMs } = evidence;
  if (attempts < LEAST_GOOD_CALLS) return false;
  const bad = failures + slow;
  const asAtFault = Math.min(0.95, Math.max(0.1, relief.badRatio));
  if (lowerTail(Math.min(bad, attempts), attempts, asAtFault) > STILL_BAD) return false;
  if (upperTail(bad, attempts, expectedBadRatio(evidence)) < WORSE_THAN_PAST) return false;
  // Without a past there is no loss to compare with.
  return expectedLossSumMs <= 0 || failures > 0 || lossSumMs <= LOSS_FACTOR * expectedLossSumMs;
}

function isBadAgain(suffixes: readonly Evidence[]): boolean {
  return suffixes.slice(0, 3).some((evidence) => {
    const { attempts, failures, slow } = evidence;
    const bad = failures + slow;
    if (attempts < LEAST_BAD_CALLS || bad < BAD_AGAIN_RATIO * attempts) return false;
    return upperTail(bad, attempts, expectedBadRatio(evidence)) < BAD_AGAIN;
  });
}

function expectedBadRatio({ attempts, expectedFailures, expectedSlow, pastAttempts }: Evidence): number {
  if (pastAttempts <= 0) return 0.1;
  return Math.min(1, (expectedFailures + expectedSlow) / attempts);
}
