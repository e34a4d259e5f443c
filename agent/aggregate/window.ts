/**
 * One window: what the filters of this node measured since the last report, added up per edge and arm. An edge is a caller
 * and an Envoy cluster; the many VMs and replicas of one workload are one caller.
 */
import type { Caller, EdgeReport } from '../../controller/wire/messages.ts';
import { OUTCOME_COUNT } from '../wire/layout.ts';
import type { EdgeSample } from '../wire/samples.ts';
import { Histogram } from './histogram.ts';

/** A node with so many has a fault, not a mesh. About 15 MB of histograms. */
export const MAX_WINDOW_EDGES = 10_000;

interface Edge {
  readonly caller: Caller;
  readonly cluster: string;
  readonly arm: EdgeSample['arm'];
  readonly trialId: number;
  readonly outcomes: number[];
  readonly histogram: Histogram;
  retries: number;
  inFlight: number;
  latencySumUs: number;
}

/** What identifies a caller; header values hold no NUL. */
export function callerKey({ namespace, workload, zone }: Caller): string {
  return `${namespace}\0${workload}\0${zone}`;
}

export class Window {
  readonly #maxEdges: number;
  /** By caller, then by cluster and arm. */
  #edges = new Map<string, Map<string, Edge>>();
  #edgeCount = 0;
  #crowdedOutCalls = 0;

  constructor(maxEdges = MAX_WINDOW_EDGES) {
    this.#maxEdges = maxEdges;
  }

  /** @param key the caller's, as callerKey makes it */
  add(key: string, caller: Caller, sample: EdgeSample): void {
    const calls = callsOf(sample);
    if (calls === 0 && sample.retries === 0) return;
    // Only the trial arm needs its trial told apart; the stable arm is one through all of them.
    const edge = this.#edge(key, caller, sample.cluster, sample.arm, sample.arm === 'trial' ? sample.trialId : 0);
    if (!edge) {
      this.#crowdedOutCalls += calls;
      return;
    }
    for (let i = 0; i < OUTCOME_COUNT; i++) edge.outcomes[i] = (edge.outcomes[i] ?? 0) + (sample.outcomes[i] ?? 0);
    edge.retries += sample.retries;
    // Sums of a filter gone mad must still be a number that the wire can carry.
    edge.latencySumUs = Math.min(Number.MAX_SAFE_INTEGER, edge.latencySumUs + sample.latencySumUs);
    edge.histogram.add(sample.buckets);
  }

  /** A level, not a count: told once in every window, for the stable arm. */
  addInFlight(key: string, caller: Caller, cluster: string, inFlight: number): void {
    const edge = this.#edge(key, caller, cluster, 'stable', 0);
    if (edge) edge.inFlight += inFlight;
  }

  /** What was added up since the last take, and how many calls found no room. */
  take(): { readonly edges: EdgeReport[]; readonly crowdedOutCalls: number } {
    const edges: EdgeReport[] = [];
    for (const ofCaller of this.#edges.values()) {
      for (const { histogram, ...edge } of ofCaller.values()) edges.push({ ...edge, latency: histogram.toValues() });
    }
    const crowdedOutCalls = this.#crowdedOutCalls;
    this.#edges = new Map();
    this.#edgeCount = 0;
    this.#crowdedOutCalls = 0;
    return { edges, crowdedOutCalls };
  }

  #edge(key: string, caller: Caller, cluster: string, arm: Edge['arm'], trialId: number): Edge | undefined {
    let ofCaller = this.#edges.get(key);
    if (!ofCaller) {
      ofCaller = new Map();
      this.#edges.set(key, ofCaller);
    }
    // Nearly all is stable, and needs no key of its own made; no cluster's name begins with NUL.
    const edgeKey = arm === 'stable' ? cluster : `\0${trialId}\0${cluster}`;
    const known = ofCaller.get(edgeKey);
    if (known) return known;
    if (this.#edgeCount >= this.#maxEdges) return undefined;
    this.#edgeCount += 1;
    const edge: Edge = {
      caller,
      cluster,
      arm,
      trialId,
      outcomes: new Array<number>(OUTCOME_COUNT).fill(0),
      histogram: new Histogram(),
      retries: 0,
      inFlight: 0,
      latencySumUs: 0,
    };
    ofCaller.set(edgeKey, edge);
    return edge;
  }
}

/** Calls of every outcome. */
export function callsOf({ outcomes }: { readonly outcomes: readonly number[] }): number {
  let calls = 0;
  for (const count of outcomes) calls += count;
  return calls;
}
