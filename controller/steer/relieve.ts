/**
 * Relief: a backend that plainly fails loses its share at once and wins it back in steps. A service's groups look together,
 * since most faults are the backend's and not the path's: a group acts on its own evidence, or on that of all groups
 * unless its own calls clearly say otherwise.
 *
 * Worse than its past is not enough: a sibling must be left that looks well and is better now beyond chance. When what
 * all of them call fails, all fail alike; moving requests then helps nobody and buries the last one standing. A backend
 * whose load has grown is not called slow: the crowd is not its fault.
 */
import { noMoments } from '../decide/moments.ts';
import type { Judgement } from '../decide/relief/judge.ts';
import { badRatioOf, climbsBefore, startRelief } from '../decide/relief/ladder.ts';
import { settle } from '../decide/relief/lane.ts';
import { shareOf } from '../decide/weights.ts';
import { accept, climb, lowerShare, probeShareOf } from './climb.ts';
import { effectiveWeights } from './effective.ts';
import { isWorseThan, judgeAll, type Look, lookAt, looksWorse } from './look.ts';
import { evidenceFields, whyRelieved } from './reasons.ts';
import { type Group, type Service, type Steps, yardstickOf } from './service.ts';
import { endTrial } from './try-out.ts';

/** One window of relief for all groups of a service. @param mayAct false: only look, and remember what is normal */
export function relieve(service: Service, mayAct: boolean, steps: Steps): void {
  const { route } = service;
  const { nowMs } = steps.at;
  const looks = lookAt(service);
  const found = judgeAll(looks, route.spec.objective.latencyMs, nowMs);
  for (const look of looks) {
    const doubtful = found.has(look) || looksWorse(look);
    look.lane.suspectSinceMs = doubtful ? (look.lane.suspectSinceMs ?? nowMs) : undefined;
  }
  if (mayAct) {
    for (const group of service.groups.values()) {
      // A person's weights are a person's business; and where nobody calls there is nobody to relieve.
      if (!group.pinned && hasCalls(group)) relieveGroup(service, group, looks, found, steps);
    }
    for (const backend of route.spec.backends) climb(service, backend.name, steps);
  }
  accept(service, nowMs);
  const yardstick = yardstickOf(route);
  for (const { lane } of looks) settle(lane, yardstick);
}

function hasCalls({ lanes }: Group): boolean {
  return [...lanes.values()].some(({ windows }) => windows.some(({ attempts }) => attempts > 0));
}

function relieveGroup(
  service: Service,
  group: Group,
  looks: readonly Look[],
  found: ReadonlyMap<Look, Judgement>,
  steps: Steps,
): void {
  const own = looks.filter((look) => look.group === group);
  const bad = own.filter((look) => found.has(look));
  const well = own.filter((look) => !look.lane.relief && !found.has(look) && !looksWorse(look));
  if (bad.length === 0) {
    if (well.length > 0) service.isAllFailing = false;
    return;
  }
  if (well.length === 0) {
    sayAllFailing(service, group, steps);
    return;
  }
  const { probeShare } = service.route.spec.guard;
  for (const look of bad) {
    const judgement = found.get(look);
    // With no more than the probe's share there is nothing to take.
    if (!judgement || shareOf(group.weights, look.backend) <= probeShare) continue;
    if (well.some((sibling) => isWorseThan(judgement, sibling, looks))) start(service, look, judgement, steps);
  }
}

function start(service: Service, { group, lane, backend }: Look, judgement: Judgement, steps: Steps): void {
  const { nowMs, wallMs } = steps.at;
  const badRatio = badRatioOf(judgement.evidence);
  const probeShare = probeShareOf(service, group, badRatio, nowMs);
  if (group.trial) endTrial(service, group, 'aborted', `${backend} fails and is relieved`, steps);
  const from = effectiveWeights(group, service.route);
  lane.failedClimbs = climbsBefore(lane.failedClimbs, lane.relievedUntilMs, nowMs);
  const share = judgement.fault === 'errors' ? probeShare : lowerShare(service, group, backend, badRatio, nowMs);
  lane.relief = startRelief(judgement.fault, badRatio, share, share > probeShare, nowMs);
  group.watch = undefined;
  group.means = noMoments();
  steps.decide({
    atMs: wallMs,
    kind: 'relief',
    service: service.name,
    group: group.name,
    by: 'relief',
    from,
    to: effectiveWeights(group, service.route),
    why: whyRelieved(backend, judgement),
    evidence: { backend, fault: judgement.fault, chance: judgement.chance, ...evidenceFields(judgement.evidence) },
  });
}

function sayAllFailing(service: Service, group: Group, steps: Steps): void {
  if (service.isAllFailing) return;
  service.isAllFailing = true;
  steps.warn(
    'all_backends_failing',
    `every backend of ${service.name} looks worse than its past from ${group.name}, so the fault is elsewhere; weights stay`,
    { service: service.name, group: group.name },
  );
}
