/** What arrives during a window, and its end: calls into lanes and arms, then lanes and arms into what is remembered. */
import { addLoss, emptyLoss, type LossSum } from '../decide/loss.ts';
import { addMean } from '../decide/moments.ts';
import { closeWindow } from '../decide/relief/lane.ts';
import { addTally } from '../graph/decayed.ts';
import { addEdge, emptyTally } from '../graph/tally.ts';
import type { Arms } from '../trial/strata.ts';
import type { EdgeReport } from '../wire/messages.ts';
import { learnFloor } from './floor.ts';
import { crossingMs, floorOf, groupFor, type Instant, type Service, yardstickOf } from './service.ts';
import { totalLoadRps } from './view.ts';

/** About the last twenty windows count. */
const MEANS_KEPT = 0.95;

/** Adds what one agent measured on one edge of the service in one window. */
export function observeEdge(
  service: Service,
  backendName: string,
  edge: EdgeReport,
  windowMs: number,
  at: Instant,
): void {
  const { route } = service;
  const group = groupFor(service, edge.caller.zone, at);
  const lane = group?.lanes.get(backendName);
  const backend = route.spec.backends.find(({ name }) => name === backendName);
  if (!group || !lane || !backend) return;
  service.isMeasured = true;
  addEdge(lane.open, edge, windowMs);
  const tally = emptyTally();
  addEdge(tally, edge, windowMs);
  const { worstMs } = yardstickOf(route);
  if (edge.arm === 'stable') addLoss(group.stableArm, tally, worstMs, crossingMs(group, backend, route));
  else if (edge.trialId === group.trial?.id) addLoss(group.trialArm, tally, worstMs, crossingMs(group, backend, route));
}

/** Ends the window of every group. @returns the arms of the window by group name */
export function closeWindows(service: Service, { nowMs }: Instant): ReadonlyMap<string, Arms> {
  const yardstick = yardstickOf(service.route);
  const arms = new Map<string, Arms>();
  for (const group of service.groups.values()) {
    const calls = emptyTally();
    const all = emptyLoss();
    const byBackend = new Map<string, LossSum>();
    for (const backend of service.route.spec.backends) {
      const lane = group.lanes.get(backend.name);
      if (!lane) continue;
      const { open } = lane;
      calls.calls += open.calls;
      calls.attempts += open.attempts;
      const loss = emptyLoss();
      addLoss(loss, open, yardstick.worstMs, crossingMs(group, backend, service.route));
      byBackend.set(backend.name, loss);
      all.attempts += loss.attempts;
      all.failures += loss.failures;
      all.lossSumMs += loss.lossSumMs;
      closeWindow(lane, nowMs, yardstick);
    }
    addTally(group.slowLoad, calls, nowMs);
    if (all.attempts > 0) addMean(group.means, all.lossSumMs / all.attempts, MEANS_KEPT);
    group.lastWindow = all;
    arms.set(group.name, { trial: group.trialArm, stable: group.stableArm, byBackend });
    group.trialArm = emptyLoss();
    group.stableArm = emptyLoss();
  }
  learnFloors(service, nowMs);
  return arms;
}

function learnFloors(service: Service, nowMs: number): void {
  for (const { name } of service.route.spec.backends) {
    const rps = totalLoadRps(service, name, nowMs);
    for (const group of service.groups.values()) {
      const lane = group.lanes.get(name);
      const passedMs = lane?.windows.at(-1)?.passedMs ?? 0;
      if (lane) learnFloor(floorOf(group, name), lane.recent, rps, passedMs);
    }
  }
}
