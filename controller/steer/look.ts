/**
 * Looking at every backend of a service as every caller group sees it, and finding those that are plainly worse than their
 * past: by the group's own evidence, or by that of all groups where its own calls do not clearly say otherwise.
 */
import { upperTail, wilsonUpper } from '../decide/relief/chance.ts';
import { addUp, type Evidence, evidenceOf, isSuspect, type Judgement, judge } from '../decide/relief/judge.ts';
import type { Lane } from '../decide/relief/lane.ts';
import { loadRps } from '../graph/decayed.ts';
import type { Group, Service } from './service.ts';

const SPANS = [1, 2, 3] as const;
const FRESH_RELIEF_MS = 2_000;
/** Load may be this many times the past's before slowness is put down to it. */
const CROWD_FACTOR = 1.3;
/** Chance at which a backend is no worse now than a sibling that looks well. */
const ALIKE = 1e-4;
/** With fewer calls than this in three windows a group has no opinion of its own. */
const OPINION_ATTEMPTS = 10;

export interface Look {
  readonly group: Group;
  readonly lane: Lane;
  readonly backend: string;
  /** Evidence of the last one, two, three windows. */
  readonly spans: readonly Evidence[];
}

/** Whether any span makes it suspect. */
export function looksWorse({ spans }: Look): boolean {
  return spans.some(isSuspect);
}

export function lookAt(service: Service): Look[] {
  return [...service.groups.values()].flatMap((group) =>
    [...group.lanes].map(([backend, lane]) => {
      const spans = SPANS.map((count) => evidenceOf(lane.windows.slice(-count), lane.expected));
      return { group, lane, backend, spans };
    }),
  );
}

/** What is found of each look that has no relief yet, by its own evidence or by everybody's. */
export function judgeAll(looks: readonly Look[], targetMs: number, nowMs: number): ReadonlyMap<Look, Judgement> {
  const found = new Map<Look, Judgement>();
  for (const look of looks) {
    if (look.lane.relief) continue;
    const peers = looks.filter(({ backend, lane }) => backend === look.backend && isTelling(lane, nowMs));
    const judgement =
      judge(look.spans, siblingsOf([look], looks), targetMs) ?? judgeTogether(look, peers, looks, targetMs);
    if (judgement && !(judgement.fault === 'slowness' && isCrowded(look, nowMs))) found.set(look, judgement);
  }
  return found;
}

/** A lane relieved a moment ago still has the windows of the fault in its spans: what its neighbours wait for. */
function isTelling({ relief }: Lane, nowMs: number): boolean {
  return !relief || nowMs - relief.sinceMs <= FRESH_RELIEF_MS;
}

/** Whether what was found of a backend is beyond chance against a sibling's calls of now, of all groups that had some. */
export function isWorseThan({ fault, evidence }: Judgement, sibling: Look, looks: readonly Look[]): boolean {
  const peers = looks.filter(({ backend, lane }) => backend === sibling.backend && !lane.relief);
  const other = addUp(peers.flatMap(({ spans }) => spans.at(-1) ?? []));
  if (!other) return false;
  const [bad, count] = fault === 'errors' ? [evidence.failures, evidence.attempts] : [evidence.slow, evidence.answered];
  const [otherBad, otherCount] = fault === 'errors' ? [other.failures, other.attempts] : [other.slow, other.answered];
  return otherCount > 0 && upperTail(bad, count, wilsonUpper(otherBad, otherCount, 2)) < ALIKE;
}

function judgeTogether(
  look: Look,
  peers: readonly Look[],
  looks: readonly Look[],
  targetMs: number,
): Judgement | undefined {
  if (peers.length < 2) return undefined;
  const newest = look.spans.at(-1);
  const hasOpinion = newest !== undefined && newest.attempts >= OPINION_ATTEMPTS;
  if (hasOpinion && !looksWorse(look)) return undefined;
  const spans = SPANS.flatMap((_, i) => addUp(peers.flatMap(({ spans: each }) => each[i] ?? [])) ?? []);
  return judge(spans, siblingsOf(peers, looks), targetMs);
}

/** The other backends as the same groups see them: those that look well, or all where none does. */
function siblingsOf(of: readonly Look[], looks: readonly Look[]): Evidence | undefined {
  const groups = new Set(of.map(({ group }) => group));
  const backend = of[0]?.backend;
  const others = looks.filter((look) => groups.has(look.group) && look.backend !== backend && !look.lane.relief);
  const well = others.filter((look) => !looksWorse(look));
  return addUp((well.length > 0 ? well : others).flatMap(({ spans }) => spans.at(-1) ?? []));
}

function isCrowded({ lane, spans }: Look, nowMs: number): boolean {
  const newest = spans.at(-1);
  if (!newest || newest.spanMs <= 0) return false;
  const pastRps = loadRps(lane.past, Math.min(nowMs, lane.past.atMs));
  return pastRps > 0 && (newest.attempts * 1_000) / newest.spanMs > CROWD_FACTOR * pastRps;
}
