/**
 * Inverse latency as L3 has it: the weights of each window are in force at once. No relief, no trial, no guard rail, and
 * requests are drawn by weight alone. A core that stands in the controller's place, so that measuring, wire, agents and
 * filter are Weir's own and only the deciding differs. An inner controller, told to look on, keeps the figures.
 */
import { Controller, type ControllerOptions, type Instant } from '../../../controller/controller.ts';
import { inverseLatency } from '../../../controller/decide/inverse-latency.ts';
import { type AdaptiveRoute, serviceOf } from '../../../controller/routes/route.ts';
import type { Core } from '../../../controller/server.ts';
import type { ServiceStatus } from '../../../controller/steer/status.ts';
import type { ServiceTable, Tables } from '../../../controller/wire/messages.ts';
import { coreAround, lookOn } from './around.ts';

/** Of the slow average that L3 compares the load with. */
const SLOW_HALF_LIFE_MS = 60_000;

/** @param tableTtlMs how long agents go on with a table */
export function createL3Core(options: ControllerOptions, at: Instant): Core {
  const { routes, epoch, tableTtlMs } = options;
  const inner = new Controller({ ...options, routes: routes.map(lookOn) }, at);
  const byService = new Map(routes.map((route) => [serviceOf(route), route]));
  const slowRps = new Map<string, { rps: number; atMs: number }>();
  let current: Tables = { type: 'tables', epoch, number: 1, ttlMs: tableTtlMs, services: [] };

  const slowLoadOf = ({ service, group, loadRps }: ServiceStatus, nowMs: number): number => {
    const key = `${service} ${group}`;
    const before = slowRps.get(key) ?? { rps: loadRps, atMs: nowMs };
    const kept = 0.5 ** ((nowMs - before.atMs) / SLOW_HALF_LIFE_MS);
    const rps = kept * before.rps + (1 - kept) * loadRps;
    slowRps.set(key, { rps, atMs: nowMs });
    return rps;
  };

  return {
    ...coreAround(inner),
    tick: (when) => {
      inner.tick(when);
      const services = inner.services(when).flatMap((status) => {
        const route = byService.get(status.service);
        return route ? tableFor(route, status, slowLoadOf(status, when.nowMs)) : [];
      });
      if (JSON.stringify(services) === JSON.stringify(current.services)) return;
      current = { ...current, number: current.number + 1, services };
    },
    tables: () => current,
    setRoutes: (changed, when) => inner.setRoutes(changed.map(lookOn), when),
  };
}

function tableFor({ spec }: AdaptiveRoute, status: ServiceStatus, slowLoadRps: number): ServiceTable {
  const { service, group, loadRps, forecastRps, backends } = status;
  const { weights } = inverseLatency.propose({
    service,
    group,
    targetMs: spec.objective.latencyMs,
    crossZoneCostMs: spec.objective.crossZoneCostMs,
    loadRps,
    slowLoadRps,
    forecastRps,
    backends,
  });
  return {
    service,
    group,
    draw: 'exact',
    trialId: 0,
    trialShare: 0,
    backends: spec.backends.map(({ name, cluster }) => {
      const weight = weights[name] ?? 0;
      return { name, cluster, weight, trialWeight: weight };
    }),
    entryClusters: spec.entryClusters,
  };
}
