/** How good fixed weights are on a scenario: figures of simulated requests, and which of two is better. Pure. */
import { isSuccess } from '../../../deploy/local/apps/caller.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';
import { rankOf } from '../../../deploy/local/show/figures.ts';
import type { SimulatedRequest } from './simulate.ts';

export interface Score {
  /** A failed request counts as slower than all; null: it falls among those. */
  readonly p99Ms: number | null;
  readonly errorRatio: number;
  /** Requests that succeeded within the scenario's target, per second. */
  readonly goodputRps: number;
  /** Of those that succeeded. */
  readonly meanMs: number;
}

/** @param runs requests of each seed */
export function scoreOf(
  { durationS, targetMs }: Pick<Scenario, 'durationS' | 'targetMs'>,
  runs: readonly (readonly SimulatedRequest[])[],
): Score {
  const requests = runs.flat();
  const latencies = requests
    .filter(({ status }) => isSuccess(status))
    .map(({ latencyMs }) => latencyMs)
    .sort((a, b) => a - b);
  const sumMs = latencies.reduce((sum, ms) => sum + ms, 0);
  return {
    p99Ms: latencies[rankOf(requests.length, 0.99)] ?? null,
    errorRatio: requests.length === 0 ? 0 : 1 - latencies.length / requests.length,
    goodputRps: latencies.filter((ms) => ms <= targetMs).length / (durationS * runs.length),
    meanMs: latencies.length === 0 ? 0 : sumMs / latencies.length,
  };
}

/**
 * The lower p99, to the ms; where both fall among failures, fewer of those. Of equals the higher goodput, to a request in a
 * hundred seconds, then the lower mean.
 */
export function isBetter(a: Score, b: Score): boolean {
  const keyA = keyOf(a);
  const keyB = keyOf(b);
  const place = keyA.findIndex((value, i) => value !== keyB[i]);
  return place >= 0 && (keyA[place] ?? 0) < (keyB[place] ?? 0);
}

/** Latency from which a p99 makes a score worse than this one, whatever else; undefined: it falls among failures. */
export function worseFromMs({ p99Ms }: Score): number | undefined {
  return p99Ms === null ? undefined : Math.round(p99Ms) + 0.5;
}

/** Smaller is better, the first that differs decides. */
function keyOf({ p99Ms, errorRatio, goodputRps, meanMs }: Score): number[] {
  const failed = p99Ms === null ? errorRatio : 0;
  return [failed, Math.round(p99Ms ?? 0), -Math.round(goodputRps * 100), meanMs];
}
