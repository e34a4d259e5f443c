/** What is to be published: routes that are to be enforced, each with weights for its plain route. Pure. */
import type { Weights } from '../decide/policy.ts';
import { initialWeights, toWeights } from '../decide/weights.ts';
import { type AdaptiveRoute, serviceOf } from '../routes/route.ts';
import type { ServiceStatus } from '../steer/status.ts';

/** Calls per second that a group counts for though it makes none, so that a silent service has weights too. */
const LEAST_RPS = 0.001;

export interface Plan {
  readonly route: AdaptiveRoute;
  /** Of the plain route, out of 10,000. */
  readonly weights: Weights;
}

/** Of mode `enforce` alone: who only looks on changes nothing. */
export function plansOf(routes: readonly AdaptiveRoute[], services: readonly ServiceStatus[]): readonly Plan[] {
  const groups = new Map<string, ServiceStatus[]>();
  for (const group of services) {
    const others = groups.get(group.service);
    if (others) others.push(group);
    else groups.set(group.service, [group]);
  }
  return routes
    .filter(({ spec }) => spec.mode === 'enforce')
    .map((route) => ({ route, weights: plainWeights(route, groups.get(serviceOf(route)) ?? []) }));
}

/** The plain route is one for all callers, so it gets what their groups have, each counted by its calls. */
function plainWeights(route: AdaptiveRoute, groups: readonly ServiceStatus[]): Weights {
  if (groups.length === 0) return initialWeights(route);
  const shares = new Map(route.spec.backends.map(({ name }) => [name, 0]));
  for (const { loadRps, backends } of groups) {
    for (const { name, weight } of backends) {
      shares.set(name, (shares.get(name) ?? 0) + weight * Math.max(LEAST_RPS, loadRps));
    }
  }
  return toWeights(shares);
}
