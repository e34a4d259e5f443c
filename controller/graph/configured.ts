/**
 * The static half of the graph: the clusters that a mesh's configuration gives to every proxy, beside those that calls were seen to go
 * to. One that is configured and never called is a service that nobody needs, or one that calls do not reach; one that is called and
 * not configured is a call that goes past the mesh's rules. Pure.
 */
import type { CalledBy } from './called.ts';
import type { GraphEdge, GraphView } from './mesh.ts';

export interface ConfiguredCluster {
  readonly cluster: string;
  /** host:port */
  readonly service: string;
  /** Absent for the service as a whole. */
  readonly backend?: string;
  /** The object that makes it be there, for example `Service shop/search`. */
  readonly by: string;
}

/** Calls of one host that configuration sends to another. */
export interface RoutedHost {
  readonly host: string;
  readonly to: string;
  /** For example `VirtualService shop/search`. */
  readonly by: string;
}

export interface Configured {
  readonly clusters: readonly ConfiguredCluster[];
  readonly routed: readonly RoutedHost[];
}

export interface ConfiguredReading {
  readonly clusters: readonly (ConfiguredCluster & {
    /** Whether a call went there in the last ten minutes. */
    readonly isSeen: boolean;
    /** When its host and port was called last by anybody, to the hour, ms since 1970; null: not in 45 days. */
    readonly seenMs: number | null;
  })[];
  readonly routed: readonly RoutedHost[];
}

/** Edges, each with whether configuration knows its cluster. A cluster that a route names is known by that. */
export function markConfigured<View extends GraphView>(view: View, { clusters }: Configured): View {
  const known = new Set(clusters.map(({ cluster }) => cluster));
  const edges = view.edges.map(
    (edge): GraphEdge => ({ ...edge, isConfigured: known.has(edge.cluster) || edge.isRouted }),
  );
  return { ...view, edges };
}

/** What is configured, each with whether it is called. */
export function readConfigured(
  { clusters, routed }: Configured,
  { edges }: Pick<GraphView, 'edges'>,
  called: readonly CalledBy[],
): ConfiguredReading {
  const seen = new Set(edges.map(({ cluster }) => cluster));
  const lastMs = new Map<string, number>();
  for (const { host, port, seenMs } of called.flatMap(({ hosts }) => hosts)) {
    const service = `${host}:${port}`;
    lastMs.set(service, Math.max(seenMs, lastMs.get(service) ?? 0));
  }
  return {
    clusters: clusters.map((each) => ({
      ...each,
      isSeen: seen.has(each.cluster),
      seenMs: lastMs.get(each.service) ?? null,
    })),
    routed,
  };
}
