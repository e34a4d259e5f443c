/**
 * Whether a healed backend came back before the next fault, for the callers of each zone, since each zone has weights of its own
 * and how many call from it is another matter. By the decisions: what relief took from it, it has at least half of again (half, since
 * a climb may be under way, and what trials take or give is not relief's). By calls that were really made: in the seconds after that it
 * had at least half of the weight that it got back. And no caller group may still hold it in relief at the end of its minute.
 *
 * A climb needs calls to go by: four probes, at 2 % of the calls, within the 15 s that a minute leaves for them. A zone that calls
 * less (when a service breaks, so may its callers, who are relieved too) is shown and not judged.
 */
import type { Decision } from '../../deploy/local/show/decisions.ts';
import { courseOf, type Fault } from '../../deploy/local/show/faults.ts';
import type { Tally } from '../../deploy/local/show/tally.ts';
import type { PlannedFault } from './plan.ts';

const BACK_PART = 0.5;
const WEIGHT_TOTAL = 10_000;
/** A table is in force by then, and calls of before it are over. */
const IN_FORCE_MS = 2_000;
/** Shorter than relief's cool-down, after which a trial may move the weight. */
const WINDOW_MS = 10_000;
const LEAST_WINDOW_MS = 5_000;
/** Calls to the service without which a share says nothing. */
const LEAST_CALLS = 20;
/** Calls per second of a zone, 4 / (2 % × 15 s), from which its way back is judged. */
const LEAST_RPS = 13;

/** How one zone's callers came back to a backend that relief took from them. Shares are 0 to 1. */
export interface ZoneRecovery {
  readonly zone: string;
  /** Its calls per second to the service from the healing on, and whether they are enough to judge by. */
  readonly loadRps: number;
  readonly isJudged: boolean;
  /** Weight before the first relief, and the last that relief or recovery gave. */
  readonly shareBefore: number;
  readonly shareGiven: number;
  /** Seconds from the healing until it had at least half of its weight for good; undefined: never. */
  readonly backAfterS: number | undefined;
  /** Weight that it had got back then, */
  readonly shareBack: number | undefined;
  /** and its share of the zone's calls in the seconds after; undefined: too few, or too little time. */
  readonly shareCalled: number | undefined;
}

export interface Recovery extends PlannedFault {
  /** Shares of all calls to the service, 0 to 1: in the 10 s before, while broken, in the 10 s before the next fault. */
  readonly shareBefore: number | undefined;
  readonly shareBroken: number | undefined;
  readonly shareAfter: number | undefined;
  /** Zones in which relief took something. */
  readonly zones: readonly ZoneRecovery[];
  /** Caller groups that still held it in relief at the end of the minute; undefined: the controller did not say. */
  readonly relievedFor: readonly string[] | undefined;
}

export interface Course {
  readonly tally: Tally;
  /** By the zone of the caller. */
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly decisions: readonly Decision[];
  /** Wall clock at second 0, ms since 1970. */
  readonly zeroWallMs: number;
}

/** @param endMs when the next fault comes, or the end of the run */
export function recoveryOf(
  course: Course,
  planned: PlannedFault,
  fault: Fault,
  endMs: number,
  relievedFor: readonly string[] | undefined,
): Recovery {
  const { shareBefore, shareBroken, shareAtEnd } = courseOf(course.tally, { ...fault, endMs });
  const zones = [...course.tallies].flatMap(([zone, tally]) => zoneRecovery(course, zone, tally, fault, endMs) ?? []);
  return { ...planned, shareBefore, shareBroken, shareAfter: shareAtEnd, zones, relievedFor };
}

function zoneRecovery(
  { decisions, zeroWallMs }: Course,
  zone: string,
  tally: Tally,
  fault: Fault,
  endMs: number,
): ZoneRecovery | undefined {
  const [name, backend = ''] = fault.backend.split('/');
  const steps = decisions
    .filter(({ service, group, kind }) => service.startsWith(`${name}:`) && group === zone && isRelief(kind))
    .map(({ atMs, from, to }) => ({ atMs: atMs - zeroWallMs, from: from[backend] ?? 0, to: to[backend] ?? 0 }))
    .filter(({ atMs, from, to }) => atMs > fault.brokenMs && atMs < endMs && from !== to);
  const [first] = steps;
  if (!first || first.to > first.from) return undefined;
  const enough = BACK_PART * first.from;
  const firstBack = steps.findIndex((_, i) => steps.slice(i).every(({ to }) => to >= enough));
  const back = steps[firstBack];
  const fromMs = (back?.atMs ?? endMs) + IN_FORCE_MS;
  const toMs = Math.min(endMs, fromMs + WINDOW_MS);
  const callCount = fault.siblings.reduce((sum, each) => sum + tally.countIn(each, fault.healedMs, endMs), 0);
  const loadRps = callCount / ((endMs - fault.healedMs) / 1000);
  return {
    ...{ zone, loadRps, isJudged: loadRps >= LEAST_RPS },
    shareBefore: first.from / WEIGHT_TOTAL,
    shareGiven: (steps.at(-1)?.to ?? 0) / WEIGHT_TOTAL,
    backAfterS: back && Math.max(0, back.atMs - fault.healedMs) / 1000,
    shareBack: back && back.to / WEIGHT_TOTAL,
    shareCalled:
      toMs - fromMs < LEAST_WINDOW_MS
        ? undefined
        : tally.shareIn(fault.cluster, fault.siblings, fromMs, toMs, LEAST_CALLS),
  };
}

function isRelief(kind: string): boolean {
  return kind === 'relief' || kind === 'recovery';
}

/** Seconds until the callers of every zone that is judged were back; undefined: some never were. */
export function backAfterS({ zones }: Recovery): number | undefined {
  const judged = zones.filter(({ isJudged }) => isJudged);
  const seconds = judged.map((zone) => zone.backAfterS ?? Number.POSITIVE_INFINITY);
  const latest = Math.max(0, ...seconds);
  return Number.isFinite(latest) ? latest : undefined;
}

/** Sentences; empty when no weight is stuck. */
export function recoveryProblems(recoveries: readonly Recovery[]): string[] {
  return recoveries.flatMap(({ backend, kind, zones, relievedFor }, minute) => {
    const which = `${backend} (${kind}, minute ${minute + 1})`;
    const judged = zones.filter(({ isJudged }) => isJudged);
    const problems = judged.flatMap(({ zone, shareBefore, shareGiven, backAfterS, shareBack = 0, shareCalled }) => {
      if (backAfterS === undefined) {
        return [
          `${which} did not come back for ${zone} before the next fault: it had ${share(shareBefore)}, and was given ${share(shareGiven)}`,
        ];
      }
      if (shareCalled === undefined || shareCalled >= BACK_PART * shareBack) return [];
      return [
        `${which} was given back ${share(shareBack)} for ${zone}, and ${share(shareCalled)} of its calls came to it`,
      ];
    });
    if (problems.length > 0) return problems;
    if (relievedFor === undefined) return [`the controller did not say whether ${which} is still held in relief`];
    const held = relievedFor.filter((group) => zones.find(({ zone }) => zone === group)?.isJudged !== false);
    if (held.length > 0) return [`${which} was still held in relief for ${held.join(', ')}`];
    return [];
  });
}

export function share(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${Math.round(ratio * 100)} %`;
}
