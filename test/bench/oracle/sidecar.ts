/**
 * One sidecar of the simulated mesh: which backend it draws and which endpoint of it. Drawn as filter/route/pick.ts draws for a
 * service with weights in force, by Envoy's weighted route for one without; then as Envoy's balancer does within the cluster.
 */
import { WEIGHT_TOTAL } from '../../../controller/wire/messages.ts';
import type { Service } from '../../../deploy/local/scenario/service-schema.ts';
import type { SimulatedEndpoint } from './endpoint.ts';

/** As in the filter: calls in a row that failed, and the weight below which they are not looked at. */
const FAILING = 5;
const LEAST_FAILING_WEIGHT = 500;

/** An endpoint as one Envoy knows it. */
export interface Host {
  readonly endpoint: SimulatedEndpoint;
  /** Attempts of this Envoy that have not ended. */
  activeCount: number;
}

/** A backend as one Envoy, and the filter in it, know it. */
export interface Cluster {
  readonly weight: number;
  readonly hosts: readonly Host[];
  /** Calls that have not ended, retries and all one call. */
  inFlight: number;
  failuresInRow: number;
  nextHost: number;
}

export type Draw = 'exact' | 'balanced' | 'plain';

/** A service as one sidecar calls it. */
export interface Callee {
  readonly service: Service;
  /** `plain`: nobody steers it. */
  readonly draw: Draw;
  readonly clusters: readonly Cluster[];
}

export function pickCluster({ draw, clusters }: Callee, chance: () => number): Cluster | undefined {
  const first = drawByWeight(clusters, chance);
  if (draw !== 'balanced') return first;
  const second = drawByWeight(clusters, chance);
  return first && second && isLighter(second, first) ? second : first;
}

function drawByWeight(clusters: readonly Cluster[], chance: () => number): Cluster | undefined {
  let rest = chance() * WEIGHT_TOTAL;
  for (const cluster of clusters) {
    if (rest < cluster.weight) return cluster;
    rest -= cluster.weight;
  }
  return clusters.findLast(({ weight }) => weight > 0);
}

function isLighter(a: Cluster, b: Cluster): boolean {
  if (a === b) return false;
  const isFailingA = isFailing(a);
  if (isFailingA !== isFailing(b)) return !isFailingA;
  return a.inFlight * b.weight < b.inFlight * a.weight && (a.inFlight + 1) * b.weight < (b.inFlight + 1) * a.weight;
}

function isFailing({ failuresInRow, weight }: Cluster): boolean {
  return failuresInRow >= FAILING && weight >= LEAST_FAILING_WEIGHT;
}

/** LEAST_REQUEST is Envoy's: the less busy of two, which may be the same. */
export function pickHost(cluster: Cluster, how: Service['loadBalancing'], chance: () => number): Host | undefined {
  const { hosts } = cluster;
  if (hosts.length === 1) return hosts[0];
  if (how === 'ROUND_ROBIN') return hosts[cluster.nextHost++ % hosts.length];
  const first = hosts[Math.floor(chance() * hosts.length)];
  if (how === 'RANDOM') return first;
  const second = hosts[Math.floor(chance() * hosts.length)];
  return first && second && second.activeCount < first.activeCount ? second : first;
}
