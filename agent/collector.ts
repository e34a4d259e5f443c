/**
 * From samples to reports: what filters deliver is noted per proxy and added up per edge; at the end of a window all of it,
 * with the forecasts that are due, becomes one report.
 */
import type { Caller, Report } from '../controller/wire/messages.ts';
import { type Arrival, Proxies } from './aggregate/proxies.ts';
import { callerKey, callsOf, Window } from './aggregate/window.ts';
import type { Clock } from './clock.ts';
import { SeriesSet } from './forecast/series.ts';
import type { Notices } from './log.ts';
import type { Samples } from './wire/samples.ts';

export interface CollectorDeps {
  readonly clock: Clock;
  readonly notices: Notices;
  readonly forecastWindowMs: number;
  readonly count: {
    samples(arrival: Arrival): void;
    calls(count: number): void;
    droppedCalls(count: number): void;
    crowdedSeries(count: number): void;
  };
}

export class Collector {
  readonly #deps: CollectorDeps;
  readonly #proxies = new Proxies();
  readonly #window = new Window();
  readonly #series: SeriesSet;

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
    this.#series = new SeriesSet(deps.forecastWindowMs, deps.clock.nowMs());
  }

  /** Takes what one VM measured. @returns whether it was new and counts */
  take(nodeId: string, caller: Caller, samples: Samples): boolean {
    const { clock, count, notices } = this.#deps;
    const arrival = this.#proxies.note({ nodeId: nodeId || samples.vmId, caller }, samples, clock.nowMs());
    count.samples(arrival);
    if (arrival === 'crowded') {
      const sentence = 'there are more filter VMs than this agent takes, what the newest measure is not counted';
      notices.degraded('vms_crowded', { filterVms: this.#proxies.size }, sentence);
    }
    if (arrival !== 'new') return false;
    const key = callerKey(caller);
    let calls = 0;
    for (const edge of samples.edges) {
      this.#window.add(key, caller, edge);
      calls += callsOf(edge);
    }
    count.calls(calls);
    count.droppedCalls(samples.droppedCalls);
    return true;
  }

  /** Ends the window. @returns its report, which may be too long for one frame */
  close(startMs: number, endMs: number): Omit<Report, 'sequence'> {
    const { clock, count, notices } = this.#deps;
    this.#proxies.eachInFlight(endMs, (key, caller, cluster, inFlight) => {
      this.#window.addInFlight(key, caller, cluster, inFlight);
    });
    const { edges, crowdedOutCalls } = this.#window.take();
    if (crowdedOutCalls > 0) {
      count.droppedCalls(crowdedOutCalls);
      const sentence = 'a window had more edges than one may have, calls on the rest are not reported';
      notices.degraded('window_crowded', { crowdedOutCalls, edges: edges.length }, sentence);
    }
    for (const edge of edges) this.#series.add(edge, startMs);
    count.crowdedSeries(this.#series.takeCrowdedOut());
    const windowMs = Math.max(1, Math.round(endMs - startMs));
    return {
      type: 'report',
      windowStartMs: Math.max(0, Math.round(clock.wallMs() - windowMs)),
      windowMs,
      edges,
      forecasts: this.#series.close(endMs),
      proxies: this.#proxies.report(endMs),
      lostReports: 0,
    };
  }

  /** The dear part of forecasting, a little of it. Call it once per window, after the report has left. */
  lookForSeasons(): void {
    this.#series.lookForSeasons();
  }

  get filterVms(): number {
    return this.#proxies.size;
  }

  get series(): number {
    return this.#series.size;
  }
}
