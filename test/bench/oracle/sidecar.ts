/**
 * One sidecar of the simulated mesh: which backend it draws and which endpoint of it. Drawn as filter/route/pick.ts draws for a
 * service with weights in force, by Envoy's weighted route for one without; then as Envoy's balancer does within the cluster.
 */
import { WEIGHT_TOTAL } from '../../../controller/wire/messages.ts';
import type { Service } from '../../../deploy/local/scenario/service-schema.ts';
import type { SimulatedEndpoint } from './endpoint.ts';

/** As in the filter: calls in a row that failed, the weight below which they are not looked at, and draws beyond the first. */
const FAILING = 5;
const LEAST_FAILING_WEIGHT = 500;
const REDRAWS = 2;

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
  let drawn = drawByWeight(clusters, chance);
  if (draw !== 'balanced' || !drawn) return drawn;
  for (let again = 0; again < REDRAWS && isFailing(drawn); again++) drawn = drawByWeight(clusters, chance) ?? drawn;
  return lightest(clusters, drawn, chance);
}

function drawByWeight(clusters: readonly Cluster[], chance: () => number): Cluster | undefined {
  let rest = chance() * WEIGHT_TOTAL;
  for (const cluster of clusters) {
    if (rest < cluster.weight) return cluster;
    rest -= cluster.weight;
  }
  return clusters.findLast(({ weight }) => weight > 0);
}

/** Spilling of crowds is left out: the weights are to be worth what they are by themselves. */
function lightest(clusters: readonly Cluster[], drawn: Cluster, chance: () => number): Cluster {
  let best = drawn;
  let tiedWeight = 0;
  for (const other of clusters) {
    if (!mayTakeOver(other, drawn)) continue;
    const busier = tiedWeight === 0 ? -1 : other.inFlight * best.weight - best.inFlight * other.weight;
    if (busier > 0) continue;
    tiedWeight = busier < 0 ? other.weight : tiedWeight + other.weight;
    if (chance() * tiedWeight < other.weight) best = other;
  }
  return best;
}

function mayTakeOver(other: Cluster, drawn: Cluster): boolean {
  return (
    other.failuresInRow === 0 &&
    other.inFlight * drawn.weight < drawn.inFlight * other.weight &&
    (other.inFlight + 1) * drawn.weight < (drawn.inFlight + 1) * other.weight
  );
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
