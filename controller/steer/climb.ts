/** The way back of a relieved backend, step by step, and what ends a relief that no step would end. */
import { noMoments } from '../decide/moments.ts';
import { addUp, type Evidence, evidenceOf } from '../decide/relief/judge.ts';
import { BLIND_MS, learnBadRatio, nextRung, nextShare, type Rung, wasItLoad } from '../decide/relief/ladder.ts';
import { acceptPresent, forgetFault, type Lane, type WindowCounts } from '../decide/relief/lane.ts';
import { shareOf } from '../decide/weights.ts';
import { loadRps } from '../graph/decayed.ts';
import { effectiveWeights } from './effective.ts';
import { evidenceFields, whyFallen, whyItWasLoad, whyRisen, whyStillSlow } from './reasons.ts';
import { type Group, type Service, type Steps, setWeights, yardstickOf } from './service.ts';
import { groupLoadRps } from './view.ts';

/** Calls per second that are enough to see whether a relieved backend is well again, */
const PROBE_RPS = 1.5;
/** and how many of them at most may be as bad as those at the fault. */
const BAD_PROBE_RPS = 0.75;
/** The least share that a weight can say. */
const LEAST_SHARE = 1e-4;
/** A backend that is steadily slower than it was, in relief for this long, is taken as it is: the policy knows what to give it. */
const ACCEPT_SLOW_MS = 120_000;
/** Likewise one that looked worse for this long and was not relieved. */
const ACCEPT_SUSPECT_MS = 300_000;

/** The way back of one backend in every group that relieved it: they judge by all their calls and step each for itself. */
export function climb(service: Service, backend: string, steps: Steps): void {
  const relieved = [...service.groups.values()].flatMap((group) => {
    const lane = group.lanes.get(backend);
    return lane?.relief && !group.pinned
      ? [{ group, lane, relief: lane.relief, windows: sinceStep(lane, lane.relief.stepAtMs) }]
      : [];
  });
  const { probeShare } = service.route.spec.guard;
  const depth = Math.max(0, ...relieved.map(({ windows }) => windows.length));
  const suffixes = Array.from({ length: depth }, (_, i) =>
    addUp(relieved.map(({ windows, lane }) => evidenceOf(windows.slice(-(i + 1)), lane.expected))),
  ).filter((evidence) => evidence !== undefined);
  for (const { group, lane, relief, windows } of relieved) {
    const isProbing = relief.share <= probeShare;
    // A group that stepped a moment ago has nothing of its own to show yet.
    const seen = windows.length === 0 ? [] : suffixes;
    const all = seen.at(-1);
    if (isProbing && all) learnBadRatio(relief, all);
    const rung = nextRung(relief, seen, isProbing, lane.failedClimbs, steps.at.nowMs);
    if (relief.isDescending) descend(service, group, lane, backend, rung, steps);
    else if (rung.kind === 'up') stepUp(service, group, lane, backend, rung.evidence, steps);
    else if (rung.kind === 'down') stepDown(service, group, lane, backend, rung.evidence, steps);
  }
}

/** What has been slower than it was for long, without failing, is the new normal. */
export function accept({ groups, route }: Service, nowMs: number): void {
  const yardstick = yardstickOf(route);
  for (const { lanes } of groups.values()) {
    for (const lane of lanes.values()) {
      const { relief, suspectSinceMs } = lane;
      const isSteadilySlow = relief?.fault === 'slowness' && nowMs - relief.sinceMs > ACCEPT_SLOW_MS;
      const isLongSuspect = !relief && suspectSinceMs !== undefined && nowMs - suspectSinceMs > ACCEPT_SUSPECT_MS;
      if (isSteadilySlow || isLongSuspect) {
        acceptPresent(lane, yardstick);
        if (relief) lane.relief = { ...relief, sinceMs: nowMs };
      }
    }
  }
}

/**
 * The share that a slow backend of the group is taken down to in one step: what it loses at most doubles the load of the
 * others. Where queues are what makes it slow, taking all at once would only make them queue instead.
 */
export function lowerShare(service: Service, group: Group, backend: string, badRatio: number, nowMs: number): number {
  const { route, groups } = service;
  const names = route.spec.backends.map(({ name }) => name);
  const rpsOf = ({ lanes }: Group, name: string) => {
    const lane = lanes.get(name);
    return lane ? loadRps(lane.recent, nowMs) : 0;
  };
  const ownRps = groupLoadRps(group, nowMs);
  const probeShare = probeShareOf(service, group, badRatio, nowMs);
  const others = names.filter((name) => name !== backend && !group.lanes.get(name)?.relief);
  const othersRps = others.reduce(
    (sum, name) => sum + [...groups.values()].reduce((all, each) => all + rpsOf(each, name), 0),
    0,
  );
  const present = shareOf(effectiveWeights(group, route), backend);
  return ownRps > 0 ? Math.max(probeShare, present - othersRps / ownRps) : probeShare;
}

/**
 * The share that keeps a relieved backend of the group measured: the route's, or less where less is enough. Each of these
 * calls may fail, and with 2 % of them failing a service has no p99 to speak of.
 *
 * @param badRatio share of its calls that failed or were slow at the fault
 */
export function probeShareOf({ route }: Service, group: Group, badRatio: number, nowMs: number): number {
  const ownRps = groupLoadRps(group, nowMs);
  const probeRps = Math.min(PROBE_RPS, BAD_PROBE_RPS / badRatio);
  const enough = ownRps > 0 ? Math.max(LEAST_SHARE, probeRps / ownRps) : 1;
  return Math.min(route.spec.guard.probeShare, enough);
}

/**
 * A slow backend on its way down: further while it is slow; well at once with less, and it was the load: the weights stay there.
 * Well much later, and what made it slow is over: it climbs.
 */
function descend(service: Service, group: Group, lane: Lane, backend: string, rung: Rung, steps: Steps): void {
  const { relief } = lane;
  if (!relief || rung.kind === 'stay') return;
  const { nowMs, wallMs } = steps.at;
  const isWell = rung.kind === 'up';
  if (isWell && !wasItLoad(relief, nowMs)) {
    relief.isDescending = false;
    stepUp(service, group, lane, backend, rung.evidence, steps);
    return;
  }
  const from = effectiveWeights(group, service.route);
  if (isWell) {
    setWeights(group, from);
    lane.relief = undefined;
    group.means = noMoments();
    group.quietUntilMs = Math.max(group.quietUntilMs, nowMs + service.route.spec.guard.cooldownS * 1_000);
  } else {
    relief.share = lowerShare(service, group, backend, relief.badRatio, nowMs);
    relief.isDescending = relief.share > service.route.spec.guard.probeShare;
    relief.stepAtMs = nowMs;
  }
  steps.decide({
    atMs: wallMs,
    kind: isWell ? 'recovery' : 'relief',
    service: service.name,
    group: group.name,
    by: 'relief',
    from,
    to: effectiveWeights(group, service.route),
    why: isWell ? whyItWasLoad(backend, rung.evidence) : whyStillSlow(backend, rung.evidence),
    evidence: { backend, ...evidenceFields(rung.evidence) },
  });
}

/** Windows in which the share of the last step was in force from their start. */
function sinceStep(lane: Lane, stepAtMs: number): readonly WindowCounts[] {
  return lane.windows.filter(({ atMs }) => atMs > stepAtMs + BLIND_MS);
}

function stepUp(service: Service, group: Group, lane: Lane, backend: string, evidence: Evidence, steps: Steps): void {
  const { relief } = lane;
  if (!relief) return;
  const { nowMs, wallMs } = steps.at;
  const from = effectiveWeights(group, service.route);
  const stable = shareOf(group.weights, backend);
  relief.share = nextShare(Math.max(relief.share, service.route.spec.guard.probeShare));
  relief.stepAtMs = nowMs;
  const isOver = relief.share >= stable;
  if (isOver) {
    lane.relief = undefined;
    lane.relievedUntilMs = nowMs;
    forgetFault(lane);
    group.means = noMoments();
    group.quietUntilMs = Math.max(group.quietUntilMs, nowMs + service.route.spec.guard.cooldownS * 1_000);
  }
  steps.decide({
    atMs: wallMs,
    kind: 'recovery',
    service: service.name,
    group: group.name,
    by: 'relief',
    from,
    to: effectiveWeights(group, service.route),
    why: whyRisen(backend, evidence, isOver, nowMs - relief.sinceMs),
    evidence: { backend, ...evidenceFields(evidence) },
  });
}

function stepDown(service: Service, group: Group, lane: Lane, backend: string, evidence: Evidence, steps: Steps): void {
  const { relief } = lane;
  if (!relief) return;
  const from = effectiveWeights(group, service.route);
  relief.share = probeShareOf(service, group, relief.badRatio, steps.at.nowMs);
  relief.stepAtMs = steps.at.nowMs;
  lane.failedClimbs += 1;
  steps.decide({
    atMs: steps.at.wallMs,
    kind: 'relief',
    service: service.name,
    group: group.name,
    by: 'relief',
    from,
    to: effectiveWeights(group, service.route),
    why: whyFallen(backend, evidence, lane.failedClimbs),
    evidence: { backend, ...evidenceFields(evidence) },
  });
}
