/**
 * What the agents foresee: the newest forecast of each caller, node and cluster. A forecast is good for as many windows as it
 * looks ahead; then its agent is gone or has nothing to say, and it is dropped.
 */
import type { ForecastReport } from '../wire/messages.ts';
import type { Directory } from './directory.ts';

const MAX_FORECASTS = 100_000;

interface Kept {
  readonly report: ForecastReport;
  readonly untilMs: number;
}

export class Forecasts {
  private readonly kept = new Map<string, Kept>();

  observe(report: ForecastReport, nowMs: number): void {
    const { namespace, workload, zone, node } = report.caller;
    const key = [namespace, workload, zone, node, report.cluster].join('\0');
    if (!this.kept.has(key) && this.kept.size >= MAX_FORECASTS) return;
    this.kept.set(key, { report, untilMs: nowMs + report.windowMs * report.loadRps.length });
  }

  prune(nowMs: number): void {
    for (const [key, { untilMs }] of this.kept) if (untilMs < nowMs) this.kept.delete(key);
  }

  all(): readonly ForecastReport[] {
    return [...this.kept.values()].map(({ report }) => report);
  }

  /** How far ahead the forecasts for a service look, ms; 0 where there are none. */
  aheadMs(service: string, directory: Directory): number {
    let aheadMs = 0;
    for (const { report } of this.kept.values()) {
      if (directory.get(report.cluster)?.service !== service) continue;
      aheadMs = Math.max(aheadMs, report.windowMs * report.loadRps.length);
    }
    return aheadMs;
  }

  /** Calls per second foreseen, nearest window first, by service and the zone of the callers: the sum over all callers. */
  byServiceAndZone(directory: Directory): ReadonlyMap<string, ReadonlyMap<string, readonly number[]>> {
    const sums = new Map<string, Map<string, number[]>>();
    for (const { report } of this.kept.values()) {
      const place = directory.get(report.cluster);
      if (!place) continue;
      const zones = sums.get(place.service) ?? new Map<string, number[]>();
      sums.set(place.service, zones);
      const sum = zones.get(report.caller.zone) ?? [];
      zones.set(report.caller.zone, sum);
      for (const [window, loadRps] of report.loadRps.entries()) sum[window] = (sum[window] ?? 0) + loadRps;
    }
    return sums;
  }
}
