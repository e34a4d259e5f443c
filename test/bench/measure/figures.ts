/** The figures of one run: what callers saw, from requests and calls alone. Plain data, kept in a file. Pure. */
import { isSuccess } from '../../../deploy/local/apps/caller.ts';
import type { RequestRecord } from '../../../deploy/local/apps/messages.ts';
import { clusterOf } from '../../../deploy/local/envoy/bootstrap.ts';
import { isSteered } from '../../../deploy/local/scenario/routes.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';
import { faultsOf } from '../../../deploy/local/show/faults.ts';
import { rankOf } from '../../../deploy/local/show/figures.ts';
import type { Tally } from '../../../deploy/local/show/tally.ts';
import { crossingsOf } from './crossings.ts';
import { reliefOf } from './relief.ts';

export interface Figures {
  readonly requestCount: number;
  /** Requests that succeeded within the scenario's target, per second. */
  readonly goodputRps: number;
  /** From the intended arrival; a failed request counts as slower than all; null: the quantile falls among those. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly errorRatio: number;
  /** Share of all calls, those of the callers outside too, that left their zone. */
  readonly crossZoneShare: number;
  readonly faultCount: number;
  /** Of the fault that took longest; null: there was none, or one was never relieved. */
  readonly reliefS: number | null;
}

/** One second's worth of a chart. */
export interface Point {
  readonly atS: number;
  /** Of the last 3 s. */
  readonly p99Ms: number | null;
  /** Share of each backend of each steered service over the last 3 s, by `service/backend`. */
  readonly shares: Readonly<Record<string, number>>;
}

const POINT_WINDOW_MS = 3000;

export function figuresOf(scenario: Scenario, requests: readonly RequestRecord[], tally: Tally): Figures {
  const counted = requests.filter(({ atMs }) => atMs >= 0 && atMs < scenario.durationS * 1000);
  const latencies = answeredMs(counted);
  const at = (ratio: number) => latencies[rankOf(counted.length, ratio)] ?? null;
  const crossings = counted.map(({ zone, path }) => crossingsOf(scenario, zone, path));
  const callCount = crossings.reduce((sum, each) => sum + each.callCount, 0);
  const crossedCount = crossings.reduce((sum, each) => sum + each.crossedCount, 0);
  const faults = faultsOf(scenario);
  const reliefs = faults.map((fault) => reliefOf(tally, fault) ?? Number.POSITIVE_INFINITY);
  const reliefS = Math.max(...reliefs);
  return {
    requestCount: counted.length,
    goodputRps: latencies.filter((ms) => ms <= scenario.targetMs).length / scenario.durationS,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    errorRatio: counted.length === 0 ? 0 : 1 - latencies.length / counted.length,
    crossZoneShare: callCount === 0 ? 0 : crossedCount / callCount,
    faultCount: faults.length,
    reliefS: Number.isFinite(reliefS) ? reliefS : null,
  };
}

/** A point for each second of the run. */
export function seriesOf(scenario: Scenario, requests: readonly RequestRecord[], tally: Tally): Point[] {
  const steered = scenario.services.filter((service) => isSteered(scenario, service));
  return Array.from({ length: Math.floor(scenario.durationS) }, (_, i) => {
    const toMs = (i + 1) * 1000;
    const fromMs = toMs - POINT_WINDOW_MS;
    const inside = requests.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    const shares = steered.flatMap(({ name, port, backends }) => {
      const clusters = backends.map((backend) => clusterOf({ host: name, port }, backend.name));
      return backends.flatMap((backend, j) => {
        const share = tally.shareIn(clusters[j] ?? '', clusters, fromMs, toMs);
        return share === undefined ? [] : [[`${name}/${backend.name}`, share] as const];
      });
    });
    return {
      atS: i + 1,
      p99Ms: answeredMs(inside)[rankOf(inside.length, 0.99)] ?? null,
      shares: Object.fromEntries(shares),
    };
  });
}

/** Latencies of the requests that succeeded, ascending. */
function answeredMs(requests: readonly RequestRecord[]): number[] {
  return requests
    .filter(({ status }) => isSuccess(status))
    .map(({ latencyMs }) => latencyMs)
    .sort((a, b) => a - b);
}
