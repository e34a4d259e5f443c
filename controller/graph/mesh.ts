/**
 * Who calls whom in the whole mesh: one decayed picture per calling workload, zone and cluster, steered or not. A cluster
 * that no route names stands for what istiod's name of it says, or for a service of its own. Bounded: past MAX_EDGES new edges are only counted (by name, as many
 * again), and an edge that was silent for IDLE_MS makes room.
 *
 * Agents name an edge only in windows in which something went over it, so the silence before a window is added as silence.
 */
import { partsOfCluster } from '../routes/clusters.ts';
import type { EdgeReport } from '../wire/messages.ts';
import { addTally, type Decayed, errorRatio, inFlight, loadRps, newDecayed, quantileMs } from './decayed.ts';
import type { Directory, Place } from './directory.ts';
import { addEdge, emptyTally } from './tally.ts';

/** Long enough that a figure does not jump with each window, short enough that a person sees a fault while it lasts. */
export const GRAPH_HALF_LIFE_MS = 10_000;
/** About 40 MB of pictures. */
export const MAX_EDGES = 20_000;
const IDLE_MS = 600_000;

export interface GraphEdge {
  readonly caller: { readonly workload: string; readonly namespace: string; readonly zone: string };
  readonly service: string;
  /** Absent where the cluster is no backend: a service as a whole. */
  readonly backend?: string;
  readonly cluster: string;
  /** Whether an AdaptiveRoute names the cluster. */
  readonly isRouted: boolean;
  /** Whether the mesh's configuration has the cluster; absent where none is read. */
  readonly isConfigured?: boolean;
  readonly loadRps: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** 0 to 1 */
  readonly errorRatio: number;
  readonly inFlight: number;
  /** Part of the caller's requests to the service that takes this edge, 0 to 1. */
  readonly share: number;
}

export interface GraphView {
  readonly nodes: readonly { readonly name: string; readonly kind: 'workload' | 'service' }[];
  readonly edges: readonly GraphEdge[];
  /** Edges that were seen lately and not kept because there are too many; at most MAX_EDGES, which then means more. */
  readonly untrackedEdges: number;
}

interface Edge {
  readonly caller: GraphEdge['caller'];
  readonly cluster: string;
  readonly picture: Decayed;
}

export class Mesh {
  private readonly edges = new Map<string, Edge>();
  /** When each edge that found no room was last seen. */
  private readonly untracked = new Map<string, number>();

  observe(report: EdgeReport, windowMs: number, nowMs: number): void {
    const { workload, namespace, zone } = report.caller;
    const key = `${namespace}\0${workload}\0${zone}\0${report.cluster}`;
    let edge = this.edges.get(key);
    if (!edge) {
      if (this.edges.size >= MAX_EDGES) {
        if (this.untracked.size < MAX_EDGES || this.untracked.has(key)) this.untracked.set(key, nowMs);
        return;
      }
      this.untracked.delete(key);
      const picture = newDecayed(GRAPH_HALF_LIFE_MS, nowMs - windowMs);
      edge = { caller: { workload, namespace, zone }, cluster: report.cluster, picture };
      this.edges.set(key, edge);
    }
    const tally = emptyTally();
    addEdge(tally, report, windowMs);
    if (edge.picture.atMs < nowMs - windowMs) addTally(edge.picture, emptyTally(), nowMs - windowMs);
    addTally(edge.picture, tally, nowMs);
  }

  /** Forgets edges that have been silent for long. */
  prune(nowMs: number): void {
    for (const [key, edge] of this.edges) if (nowMs - edge.picture.atMs > IDLE_MS) this.edges.delete(key);
    for (const [key, seenMs] of this.untracked) if (nowMs - seenMs > IDLE_MS) this.untracked.delete(key);
  }

  view(directory: Directory, nowMs: number): GraphView {
    const placed = [...this.edges.values()].map((edge) => {
      const routed = directory.get(edge.cluster);
      const place = routed ?? placeOf(edge.cluster);
      return { ...edge, ...place, isRouted: routed !== undefined, loadRps: loadRps(edge.picture, nowMs) };
    });
    const totals = new Map<string, number>();
    const totalKey = (edge: (typeof placed)[number]) => `${nameOf(edge.caller)}\0${edge.caller.zone}\0${edge.service}`;
    for (const edge of placed) totals.set(totalKey(edge), (totals.get(totalKey(edge)) ?? 0) + edge.loadRps);
    const edges = placed.map(({ picture, ...edge }): GraphEdge => {
      const total = totals.get(totalKey({ picture, ...edge })) ?? 0;
      return {
        ...edge,
        p50Ms: quantileMs(picture, 0.5),
        p90Ms: quantileMs(picture, 0.9),
        p99Ms: quantileMs(picture, 0.99),
        errorRatio: errorRatio(picture),
        inFlight: inFlight(picture, nowMs),
        share: total > 0 ? edge.loadRps / total : 0,
      };
    });
    return { nodes: nodesOf(edges), edges, untrackedEdges: this.untracked.size };
  }
}

/** Of a cluster that no route names. */
function placeOf(cluster: string): Place {
  const parts = partsOfCluster(cluster);
  if (!parts) return { service: cluster };
  const { host, port, subset } = parts;
  return { service: `${host}:${port}`, ...(subset !== '' && { backend: subset }) };
}

function nodesOf(edges: readonly GraphEdge[]): GraphView['nodes'] {
  const workloads = [...new Set(edges.map((edge) => nameOf(edge.caller)))];
  const services = [...new Set(edges.map((edge) => edge.service))];
  return [
    ...workloads.map((name) => ({ name, kind: 'workload' as const })),
    ...services.map((name) => ({ name, kind: 'service' as const })),
  ];
}

function nameOf({ namespace, workload }: GraphEdge['caller']): string {
  return `${namespace}/${workload}`;
}
