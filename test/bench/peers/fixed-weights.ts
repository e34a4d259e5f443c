/**
 * Weights that stay, and how they get to the core that tells them: in an annotation of each route, because routes are all that a
 * controller is started with. Pure.
 */
import { type AdaptiveRoute, serviceOf } from '../../../controller/routes/route.ts';
import { routesOf } from '../../../deploy/local/scenario/routes.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';

/** Group of callers that stands for all of them. */
export const EVERYBODY = '*';

/** Of one service: by caller group (a zone, or '*'), then by backend, out of 10,000. */
export type GroupWeights = Readonly<Record<string, Readonly<Record<string, number>>>>;
/** By service, `host:port`. */
export type FixedWeights = Readonly<Record<string, GroupWeights>>;

const ANNOTATION = 'weir.dev/fixed-weights';

/** Every steered service by a whole route document that carries its weights. */
export function withFixedWeights(scenario: Scenario, weights: FixedWeights): Scenario {
  return {
    ...scenario,
    services: scenario.services.map(({ route: _, ...service }) => ({ ...service, steered: false })),
    routes: routesOf(scenario).map((route) => {
      const annotations = {
        ...route.metadata.annotations,
        [ANNOTATION]: JSON.stringify(weights[serviceOf(route)] ?? {}),
      };
      return { ...route, metadata: { ...route.metadata, annotations } };
    }),
  };
}

/** Of a route made above; {} of any other. */
export function fixedWeightsOf({ metadata }: AdaptiveRoute): GroupWeights {
  return JSON.parse(metadata.annotations?.[ANNOTATION] ?? '{}') as GroupWeights;
}
