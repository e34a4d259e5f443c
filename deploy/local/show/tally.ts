/**
 * What was really served: every call as its caller saw it, by Envoy cluster, over the whole run. Shares, rates and
 * quantiles come from here and never from weights. No clock: each call comes with the ms since second 0 at which it ended.
 */
import { isSuccess } from '../apps/caller.ts';
import type { CallRecord } from '../apps/messages.ts';
import { quantile } from './figures.ts';

export interface Figures {
  readonly callCount: number;
  readonly failureCount: number;
  /** Of calls that succeeded; undefined when none did. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

interface Column {
  readonly atMs: number[];
  readonly latencyMs: number[];
  readonly succeeded: boolean[];
}

export class Tally {
  private readonly columns = new Map<string, Column>();

  /** @param atMs not before that of the call added last */
  add(call: Omit<CallRecord, 'zone'>, atMs: number): void {
    let column = this.columns.get(call.cluster);
    if (!column) {
      column = { atMs: [], latencyMs: [], succeeded: [] };
      this.columns.set(call.cluster, column);
    }
    column.atMs.push(atMs);
    column.latencyMs.push(call.latencyMs);
    column.succeeded.push(isSuccess(call.status));
  }

  /** Calls of a cluster that ended in (fromMs, toMs]. */
  countIn(cluster: string, fromMs: number, toMs: number): number {
    const atMs = this.columns.get(cluster)?.atMs ?? [];
    return firstAfter(atMs, toMs) - firstAfter(atMs, fromMs);
  }

  /** The part that `cluster` had of the calls to all `clusters` in (fromMs, toMs]; undefined below `leastCalls`. */
  shareIn(
    cluster: string,
    clusters: readonly string[],
    fromMs: number,
    toMs: number,
    leastCalls = 1,
  ): number | undefined {
    const total = clusters.reduce((sum, each) => sum + this.countIn(each, fromMs, toMs), 0);
    return total < leastCalls ? undefined : this.countIn(cluster, fromMs, toMs) / total;
  }

  figuresIn(cluster: string, fromMs: number, toMs: number): Figures {
    const column = this.columns.get(cluster) ?? { atMs: [], latencyMs: [], succeeded: [] };
    const first = firstAfter(column.atMs, fromMs);
    const end = firstAfter(column.atMs, toMs);
    const good: number[] = [];
    for (let i = first; i < end; i += 1) if (column.succeeded[i]) good.push(column.latencyMs[i] ?? 0);
    good.sort((a, b) => a - b);
    return {
      callCount: end - first,
      failureCount: end - first - good.length,
      p50Ms: quantile(good, 0.5),
      p99Ms: quantile(good, 0.99),
    };
  }
}

/** Index of the first time after `limitMs` in ascending times. */
function firstAfter(atMs: readonly number[], limitMs: number): number {
  let low = 0;
  let high = atMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((atMs[middle] ?? 0) > limitMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
