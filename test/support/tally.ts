/** Samples messages as they came from filters, and what they add up to. A message that came twice counts once. */
import type { EdgeSample, Samples } from '../../agent/wire/samples.ts';

export type Counter = 'droppedCalls' | 'lostSamples' | 'strippedHeaders' | 'steeredCalls' | 'rejectedTables';

export interface Sum {
  readonly calls: number;
  readonly outcomes: readonly number[];
  readonly retries: number;
  readonly latencySumUs: number;
  readonly buckets: ReadonlyMap<number, number>;
}

export class Tally {
  readonly taken: Samples[] = [];

  take(samples: Samples): void {
    const isRepeat = this.taken.some(({ vmId, sequence }) => vmId === samples.vmId && sequence === samples.sequence);
    if (!isRepeat) this.taken.push(samples);
  }

  /** What came in on one edge, added up. */
  edge(cluster: string, arm: 'stable' | 'trial' = 'stable', trialId = 0): Sum {
    const edges = this.taken
      .flatMap((samples) => samples.edges)
      .filter((edge) => edge.cluster === cluster && edge.arm === arm && edge.trialId === trialId);
    return sum(edges);
  }

  /** One of the counters in the messages' headers, added up. */
  count(counter: Counter): number {
    return this.taken.reduce((total, samples) => total + samples[counter], 0);
  }

  /** Every call on every edge. */
  calls(): number {
    return sum(this.taken.flatMap((samples) => samples.edges)).calls;
  }
}

export function sum(edges: readonly EdgeSample[]): Sum {
  const outcomes = [0, 0, 0, 0, 0, 0];
  const buckets = new Map<number, number>();
  for (const edge of edges) {
    for (const [i, count] of edge.outcomes.entries()) outcomes[i] = (outcomes[i] ?? 0) + count;
    for (let i = 0; i < edge.buckets.length; i += 2) {
      const index = edge.buckets[i] ?? 0;
      buckets.set(index, (buckets.get(index) ?? 0) + (edge.buckets[i + 1] ?? 0));
    }
  }
  return {
    calls: outcomes.reduce((total, count) => total + count, 0),
    outcomes,
    retries: edges.reduce((total, edge) => total + edge.retries, 0),
    latencySumUs: edges.reduce((total, edge) => total + edge.latencySumUs, 0),
    buckets,
  };
}
