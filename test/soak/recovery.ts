/**
 * Whether a healed backend came back before the next fault, from calls that were really made, by the zone of the caller, since
 * each zone has weights of its own and how many call from it is another matter: some 10 s in between in which its share was
 * half of what it had in the 10 s before it broke. Half, since by then a trial may have moved some of it for
 * good reasons. And no caller group may still hold it in relief at the end of its minute.
 */
import { courseOf, type Fault } from '../../deploy/local/show/faults.ts';
import type { Tally } from '../../deploy/local/show/tally.ts';
import type { PlannedFault } from './plan.ts';

const WINDOW_MS = 10_000;
const STEP_MS = 250;
const BACK_PART = 0.5;
/** Calls to the service without which a share says nothing, */
const LEAST_CALLS = 20;
/** and share below which there is next to nothing to come back: a probe has 2 %. */
const LEAST_SHARE = 0.05;

/** How callers of one zone came back. Shares of their calls to the service, 0 to 1. */
export interface ZoneRecovery {
  readonly zone: string;
  readonly shareBefore: number;
  readonly shareAfter: number | undefined;
  /** Seconds from its healing to the end of the first 10 s in which it was back; undefined: never. */
  readonly backAfterS: number | undefined;
}

export interface Recovery extends PlannedFault {
  /** Shares of the service's calls, 0 to 1: in the 10 s before, while broken, in the 10 s before the next fault. */
  readonly shareBefore: number | undefined;
  readonly shareBroken: number | undefined;
  readonly shareAfter: number | undefined;
  /** Zones whose callers used it before it broke. */
  readonly zones: readonly ZoneRecovery[];
  /** Caller groups that still held it in relief at the end of the minute; undefined: the controller did not say. */
  readonly relievedFor: readonly string[] | undefined;
}

/**
 * @param tallies by the zone of the caller
 * @param endMs when the next fault comes, or the end of the run
 */
export function recoveryOf(
  tally: Tally,
  tallies: ReadonlyMap<string, Tally>,
  planned: PlannedFault,
  fault: Fault,
  endMs: number,
  relievedFor: readonly string[] | undefined,
): Recovery {
  const { shareBefore, shareBroken, shareAtEnd } = courseOf(tally, { ...fault, endMs });
  const zones = [...tallies].flatMap(([zone, own]) => zoneRecovery(zone, own, fault, endMs) ?? []);
  return { ...planned, shareBefore, shareBroken, shareAfter: shareAtEnd, zones, relievedFor };
}

function zoneRecovery(zone: string, tally: Tally, fault: Fault, endMs: number): ZoneRecovery | undefined {
  const shareUntil = (atMs: number) =>
    tally.shareIn(fault.cluster, fault.siblings, atMs - WINDOW_MS, atMs, LEAST_CALLS);
  const shareBefore = shareUntil(fault.brokenMs);
  if (shareBefore === undefined || shareBefore < LEAST_SHARE) return undefined;
  let backAfterS: number | undefined;
  for (let atMs = fault.healedMs + WINDOW_MS; atMs <= endMs && backAfterS === undefined; atMs += STEP_MS) {
    const share = shareUntil(atMs);
    if (share !== undefined && share >= BACK_PART * shareBefore) backAfterS = (atMs - fault.healedMs) / 1000;
  }
  return { zone, shareBefore, shareAfter: shareUntil(endMs), backAfterS };
}

/** Seconds until every zone's callers were back; undefined: some never were. */
export function backAfterS({ zones }: Recovery): number | undefined {
  const seconds = zones.map((zone) => zone.backAfterS ?? Number.POSITIVE_INFINITY);
  const latest = Math.max(0, ...seconds);
  return Number.isFinite(latest) ? latest : undefined;
}

/** Sentences; empty when no weight is stuck. */
export function recoveryProblems(recoveries: readonly Recovery[]): string[] {
  return recoveries.flatMap(({ backend, kind, zones, relievedFor }, minute) => {
    const which = `${backend} (${kind}, minute ${minute + 1})`;
    const stuck = zones.filter((zone) => zone.backAfterS === undefined);
    if (stuck.length > 0) {
      return stuck.map(
        ({ zone, shareBefore, shareAfter }) =>
          `${which} did not come back for callers in ${zone} before the next fault: ${share(shareBefore)} of their calls before, ${share(shareAfter)} after its healing`,
      );
    }
    if (relievedFor === undefined) return [`the controller did not say whether ${which} is still held in relief`];
    if (relievedFor.length > 0) return [`${which} was still held in relief for ${relievedFor.join(', ')}`];
    return [];
  });
}

export function share(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${Math.round(ratio * 100)} %`;
}
