/** Samples, callers and tables for tests of the agent: give what matters, the rest is plain. */
import type { EdgeSample, Samples } from '../../agent/wire/samples.ts';
import type { Caller, EdgeReport, Report, ServiceTable, Tables } from '../../controller/wire/messages.ts';

export const NO_VIEW_ID = '0'.repeat(16);

export function edgeOf(more: Partial<EdgeSample> = {}): EdgeSample {
  const nothing = { trialId: 0, inFlight: 0, outcomes: [1, 0, 0, 0, 0, 0], retries: 0, latencySumUs: 0, buckets: [] };
  return { cluster: 'shop-a', arm: 'stable', ...nothing, ...more };
}

export function samplesOf(edges: readonly EdgeSample[], more: Partial<Samples> = {}): Samples {
  return {
    vmId: '00000000000000a1',
    sequence: 1,
    intervalMs: 1_000,
    viewId: NO_VIEW_ID,
    tableEpoch: 0,
    tableNumber: 0,
    droppedCalls: 0,
    lostSamples: 0,
    strippedHeaders: 0,
    steeredCalls: 0,
    rejectedTables: 0,
    configErrors: 0,
    edges,
    ...more,
  };
}

export function callerOf(more: Partial<Caller> = {}): Caller {
  return { workload: 'web', namespace: 'shop', zone: 'zone-a', node: 'node-1', ...more };
}

export function edgeReportOf(more: Partial<EdgeReport> = {}): EdgeReport {
  const nothing = { trialId: 0, inFlight: 0, outcomes: [1, 0, 0, 0, 0, 0], retries: 0, latencySumUs: 0, latency: [] };
  return { caller: callerOf(), cluster: 'shop-a', arm: 'stable', ...nothing, ...more };
}

export function reportOf(sequence: number, more: Partial<Report> = {}): Report {
  const nothing = { edges: [], forecasts: [], proxies: [], lostReports: 0 };
  return { type: 'report', sequence, windowStartMs: 0, windowMs: 1_000, ...nothing, ...more };
}

/** A service at the clusters `NAME-a` and `NAME-b`, and `NAME` as its entry. */
export function serviceOf(service: string, more: Partial<ServiceTable> = {}): ServiceTable {
  const half = { weight: 5_000, trialWeight: 5_000 };
  return {
    service,
    group: '*',
    draw: 'balanced',
    trialId: 0,
    trialShare: 0,
    backends: [
      { name: 'a', cluster: `${service}-a`, ...half },
      { name: 'b', cluster: `${service}-b`, ...half },
    ],
    entryClusters: [service],
    ...more,
  };
}

export function tablesOf(number: number, services: readonly ServiceTable[] = [], more: Partial<Tables> = {}): Tables {
  return { type: 'tables', epoch: 5, number, ttlMs: 60_000, services: [...services], ...more };
}
