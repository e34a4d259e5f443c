/**
 * Weights found before the run and told from its start to its end. A core that stands in the controller's place, so that wire,
 * agents and filter are Weir's own and only the deciding is gone. An inner controller, told to look on, keeps the figures.
 */
import { Controller, type ControllerOptions, type Instant } from '../../../controller/controller.ts';
import { type AdaptiveRoute, serviceOf } from '../../../controller/routes/route.ts';
import type { Core } from '../../../controller/server.ts';
import type { ServiceTable, Tables } from '../../../controller/wire/messages.ts';
import { coreAround, lookOn } from './around.ts';
import { fixedWeightsOf } from './fixed-weights.ts';

export function createOracleCore(options: ControllerOptions, at: Instant): Core {
  const { routes, epoch, tableTtlMs } = options;
  const inner = new Controller({ ...options, routes: routes.map(lookOn) }, at);
  const told: Tables = { type: 'tables', epoch, number: 1, ttlMs: tableTtlMs, services: routes.flatMap(tablesOf) };
  return {
    ...coreAround(inner),
    tables: () => told,
    setRoutes: (changed, when) => inner.setRoutes(changed.map(lookOn), when),
  };
}

function tablesOf(route: AdaptiveRoute): ServiceTable[] {
  const { draw, backends, entryClusters } = route.spec;
  return Object.entries(fixedWeightsOf(route)).map(([group, weights]) => ({
    service: serviceOf(route),
    group,
    draw,
    trialId: 0,
    trialShare: 0,
    backends: backends.map(({ name, cluster }) => {
      const weight = weights[name] ?? 0;
      return { name, cluster, weight, trialWeight: weight };
    }),
    entryClusters,
  }));
}
