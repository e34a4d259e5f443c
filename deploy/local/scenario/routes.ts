/** The AdaptiveRoutes of a scenario: whole documents as they stand, and those made from a service's route or `steered`. Pure. */
import Value from 'typebox/value';
import { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { clusterOf } from '../envoy/bootstrap.ts';
import type { Scenario } from './schema.ts';
import type { Service } from './service-schema.ts';
import { weightsOf } from './weights.ts';

/** Namespace of every workload and route here. */
export const NAMESPACE = 'demo';

export function routesOf(scenario: Scenario): AdaptiveRoute[] {
  return [...scenario.routes, ...madeRoutes(scenario).map(({ route }) => route)];
}

/** Routes of the services that have `route` or `steered`, with the index of the service. */
export function madeRoutes(scenario: Scenario): { readonly route: AdaptiveRoute; readonly index: number }[] {
  return scenario.services.flatMap((service, index) =>
    service.route || service.steered ? [{ route: makeRoute(service), index }] : [],
  );
}

/** Whether an AdaptiveRoute exists for it. */
export function isSteered(scenario: Scenario, service: Service): boolean {
  return (
    service.steered ||
    service.route !== undefined ||
    scenario.routes.some(({ spec }) => spec.host === service.name && spec.port === service.port)
  );
}

function makeRoute(service: Service): AdaptiveRoute {
  const { minShare, maxShare, ...asked } = service.route ?? {};
  const weights = weightsOf(service);
  const route = {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: service.name, namespace: NAMESPACE },
    spec: {
      host: service.name,
      port: service.port,
      ...asked,
      backends: service.backends.map((backend, i) => ({
        name: backend.name,
        cluster: clusterOf({ host: service.name, port: service.port }, backend.name),
        zone: backend.zone,
        weight: weights[i],
        ...(minShare === undefined ? {} : { minShare }),
        ...(maxShare === undefined ? {} : { maxShare }),
      })),
    },
  };
  return Value.Default(AdaptiveRoute, route) as AdaptiveRoute;
}
