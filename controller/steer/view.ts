/** What a policy is shown of one service and caller group, from the lanes; and the same for whoever asks for the status. */
import { lossOf, worstMs } from '../decide/loss.ts';
import type { BackendView, ServiceView, Weights } from '../decide/policy.ts';
import { shareOf } from '../decide/weights.ts';
import { errorRatio, inFlight, latencyMoments, loadRps, quantileMs } from '../graph/decayed.ts';
import { effectiveWeights } from './effective.ts';
import { queueOver } from './floor.ts';
import { crossingMs, type Group, isLocal, type Service } from './service.ts';

/** Share of requests in the trial arm, about the mean over the default stages before everybody. */
const TYPICAL_STAGE = 0.2;

/** @param forecastRps what the agents foresee for the group */
export function viewOf(service: Service, group: Group, forecastRps: readonly number[], nowMs: number): ServiceView {
  const { spec } = service.route;
  const backends = backendViews(service, group, nowMs);
  return {
    service: service.name,
    group: group.name,
    targetMs: spec.objective.latencyMs,
    crossZoneCostMs: spec.objective.crossZoneCostMs,
    loadRps: backends.reduce((sum, backend) => sum + backend.loadRps, 0),
    slowLoadRps: loadRps(group.slowLoad, nowMs),
    forecastRps,
    backends,
  };
}

function backendViews(service: Service, group: Group, nowMs: number): BackendView[] {
  const { route } = service;
  const weights = effectiveWeights(group, route);
  const worst = worstMs(route.spec.objective.latencyMs);
  return route.spec.backends.flatMap((backend) => {
    const recent = group.lanes.get(backend.name)?.recent;
    if (!recent) return [];
    const { name, minShare, maxShare } = backend;
    return {
      name,
      isLocal: isLocal(group, backend),
      weight: weights[name] ?? 0,
      minShare,
      maxShare,
      callCount: recent.calls,
      loadRps: loadRps(recent, nowMs),
      totalLoadRps: totalLoadRps(service, name, nowMs),
      errorRatio: errorRatio(recent),
      p50Ms: quantileMs(recent, 0.5),
      p99Ms: quantileMs(recent, 0.99),
      meanMs: latencyMoments(recent, Number.POSITIVE_INFINITY).meanMs,
      ...queueOf(service, name, nowMs),
      inFlight: inFlight(recent, nowMs),
      lossMs: recent.attempts > 0 ? lossOf(recent, worst, crossingMs(group, backend, route)).meanMs : 0,
    };
  });
}

/** The queue of a backend as all groups see it, and its service time as the nearest one does. */
function queueOf(service: Service, backend: string, nowMs: number): { serviceMs: number; queueMs: number } {
  let serviceMs = Number.POSITIVE_INFINITY;
  let totalRps = 0;
  let waits = 0;
  for (const group of service.groups.values()) {
    const recent = group.lanes.get(backend)?.recent;
    const floor = group.floors.get(backend);
    if (!recent || !floor || floor.latencyMs === 0) continue;
    const rps = loadRps(recent, nowMs);
    serviceMs = Math.min(serviceMs, floor.latencyMs);
    totalRps += rps;
    waits += rps * queueOver(floor, recent);
  }
  return { serviceMs: Number.isFinite(serviceMs) ? serviceMs : 0, queueMs: totalRps > 0 ? waits / totalRps : 0 };
}

/** Requests per second of a group, over all backends. */
export function groupLoadRps({ lanes }: Group, nowMs: number): number {
  let sum = 0;
  for (const { recent } of lanes.values()) sum += loadRps(recent, nowMs);
  return sum;
}

/** Requests per second at a backend, of every group. */
export function totalLoadRps(service: Service, backend: string, nowMs: number): number {
  let sum = 0;
  for (const { lanes } of service.groups.values()) {
    const lane = lanes.get(backend);
    if (lane) sum += loadRps(lane.recent, nowMs);
  }
  return sum;
}

/**
 * Variance that one call adds to the difference between two sets of weights as trials measure it (trial/strata.ts), ms²:
 * that of the calls at each backend, by the square of how far its share differs, over its share of the calls.
 */
export function contrastVariance({ route }: Service, group: Group, from: Weights, to: Weights): number {
  const worst = worstMs(route.spec.objective.latencyMs);
  let varianceMs2 = 0;
  for (const { name } of route.spec.backends) {
    const recent = group.lanes.get(name)?.recent;
    const difference = shareOf(to, name) - shareOf(from, name);
    if (!recent || recent.attempts <= 0 || difference === 0) continue;
    const share = (1 - TYPICAL_STAGE) * shareOf(from, name) + TYPICAL_STAGE * shareOf(to, name);
    varianceMs2 += (difference ** 2 * lossOf(recent, worst).varianceMs2) / share;
  }
  return varianceMs2;
}
