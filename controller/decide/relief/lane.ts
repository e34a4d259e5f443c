/**
 * What is remembered of one backend as one caller group sees it. Three lengths of memory:
 *
 *   recent   half-life 10 s: what policies look at
 *   windows  the last 60 windows as counts: what relief looks at
 *   past     half-life 60 s, SETTLING windows late and only from windows in which the backend was not suspect, so that a
 *            fault neither hides in what it is compared with nor becomes normal by lasting
 */
import {
  addTally,
  answeredAbove,
  type Decayed,
  errorRatio,
  latencyMoments,
  newDecayed,
  quantileMs,
} from '../../graph/decayed.ts';
import { emptyTally, type Tally } from '../../graph/tally.ts';
import { lossSumMs } from '../loss.ts';
import { wilsonUpper } from './chance.ts';
import type { Relief } from './ladder.ts';

const RECENT_HALF_LIFE_MS = 10_000;
const PAST_HALF_LIFE_MS = 60_000;
const KEPT_WINDOWS = 60;
/** A fault is found within three windows, so younger ones are not yet taken for the past. */
const SETTLING = 3;
/** Attempts from which a past moves little with each window. */
const RICH_PAST = 1_000;
/** Attempts without which there is no past to speak of; for latency, answered ones. */
export const LEAST_PAST = 50;

export interface WindowCounts {
  readonly atMs: number;
  readonly passedMs: number;
  readonly attempts: number;
  readonly failures: number;
  readonly answered: number;
  /** Answered calls slower than the past's p99. */
  readonly slow: number;
  readonly lossSumMs: number;
}

/** What is expected of a window, from the past. */
export interface Past {
  readonly attempts: number;
  readonly errorRatio: number;
  /** What the error ratio may well be: two deviations above, and no less than the budget. */
  readonly errorBound: number;
  /** Share of answered calls above `slowAboveMs`, bounded likewise. */
  readonly slowBound: number;
  readonly slowAboveMs: number;
  readonly lossMs: number;
}

export interface Lane {
  /** Both arms, since the last tick. */
  open: Tally;
  readonly recent: Decayed;
  past: Decayed;
  expected: Past;
  /** Oldest first. */
  readonly windows: WindowCounts[];
  readonly settling: { readonly tally: Tally; readonly atMs: number }[];
  /** Since when it looks worse than its past, whether or not that was acted on. */
  suspectSinceMs: number | undefined;
  relief: Relief | undefined;
  /** Climbs that failed lately, and when the last relief ended; a fault that returns is trusted later each time. */
  failedClimbs: number;
  relievedUntilMs: number;
}

export interface Yardstick {
  readonly worstMs: number;
  readonly errorBudget: number;
}

export function newLane(sinceMs: number): Lane {
  const past = newDecayed(PAST_HALF_LIFE_MS, sinceMs);
  return {
    open: emptyTally(),
    recent: newDecayed(RECENT_HALF_LIFE_MS, sinceMs),
    past,
    expected: { attempts: 0, errorRatio: 0, errorBound: 1, slowBound: 1, slowAboveMs: 0, lossMs: 0 },
    windows: [],
    settling: [],
    suspectSinceMs: undefined,
    relief: undefined,
    failedClimbs: 0,
    relievedUntilMs: Number.NEGATIVE_INFINITY,
  };
}

/** Ends the open window at `nowMs`. */
export function closeWindow(lane: Lane, nowMs: number, yardstick: Yardstick): void {
  const tally = lane.open;
  lane.open = emptyTally();
  const passedMs = nowMs - lane.recent.atMs;
  addTally(lane.recent, tally, nowMs);
  lane.windows.push(countsOf(tally, nowMs, passedMs, lane.expected, yardstick));
  if (lane.windows.length > KEPT_WINDOWS) lane.windows.shift();
  lane.settling.push({ tally, atMs: nowMs });
}

/** Lets what has settled become the past, unless the backend is suspect: then it is dropped. */
export function settle(lane: Lane, yardstick: Yardstick): void {
  const isSuspect = lane.suspectSinceMs !== undefined || lane.relief !== undefined;
  let isChanged = false;
  while (lane.settling.length > SETTLING || (isSuspect && lane.settling.length > 0)) {
    const window = lane.settling.shift();
    if (!window) break;
    if (isSuspect) lane.past.atMs = window.atMs;
    else if (window.tally.attempts > 0) {
      addTally(lane.past, window.tally, window.atMs);
      isChanged = true;
    } else lane.past.atMs = window.atMs;
  }
  if (isChanged && isWorthReading(lane)) lane.expected = expect(lane.past, yardstick);
}

/** A rich past moves little with one window more, and reading it costs five passes over its slots. */
function isWorthReading({ past, expected }: Lane): boolean {
  const { attempts, failures } = past;
  return attempts < RICH_PAST || failures > 0 || Math.abs(attempts - expected.attempts) > 0.02 * attempts;
}

/** Takes what is seen now for the new normal. */
export function acceptPresent(lane: Lane, yardstick: Yardstick): void {
  const { recent } = lane;
  lane.past = { ...recent, halfLifeMs: PAST_HALF_LIFE_MS, slots: recent.slots.slice() };
  lane.expected = expect(lane.past, yardstick);
  lane.windows.length = 0;
  lane.settling.length = 0;
  lane.suspectSinceMs = undefined;
}

/**
 * The fault is over: what policies look at is as in the past, with the calls of the present. Else they would take the healed
 * backend's share away again for what it did before.
 */
export function forgetFault({ recent, past }: Lane): void {
  const { answered } = answeredAbove(past, 0);
  if (answered <= 0) return;
  recent.failures = recent.attempts * errorRatio(past);
  const scale = (recent.attempts - recent.failures) / answered;
  for (let slot = 0; slot < recent.slots.length; slot++) recent.slots[slot] = (past.slots[slot] ?? 0) * scale;
}

export function expect(past: Decayed, { worstMs, errorBudget }: Yardstick): Past {
  const slowAboveMs = quantileMs(past, 0.99);
  const { answered, above } = answeredAbove(past, slowAboveMs * 1_000);
  const { meanMs, count } = latencyMoments(past, worstMs);
  const lossCount = count + past.failures;
  return {
    attempts: past.attempts,
    errorRatio: errorRatio(past),
    errorBound: Math.max(errorBudget, wilsonUpper(past.failures, past.attempts, 2)),
    // One call in a hundred is above the p99 by its definition; with few calls it may be two.
    slowBound: Math.max(0.01, (above + 2) / (answered + 50)),
    slowAboveMs,
    lossMs: lossCount > 0 ? (count * meanMs + past.failures * worstMs) / lossCount : 0,
  };
}

function countsOf(tally: Tally, atMs: number, passedMs: number, past: Past, { worstMs }: Yardstick): WindowCounts {
  let answered = 0;
  let slow = 0;
  const { attempts, failures, latency } = tally;
  // A wire value stands for values up to 3.2 % around it, and the past's slots are as coarse: call slow what is clearly so.
  const slowAboveUs = past.slowAboveMs * 1_000 * 1.06;
  const hasPast = past.attempts * (1 - past.errorRatio) >= LEAST_PAST;
  for (let i = 0; i + 1 < latency.length; i += 2) {
    const count = latency[i + 1] ?? 0;
    answered += count;
    if (hasPast && (latency[i] ?? 0) > slowAboveUs) slow += count;
  }
  return { atMs, passedMs, attempts, failures, answered, slow, lossSumMs: lossSumMs(tally, worstMs) };
}
