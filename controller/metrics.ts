/**
 * Prometheus metrics of the controller. Weights are exported as they are in the tables, so that an alert can be written on
 * what the mesh is told and not on what was meant.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Decision } from './decision.ts';
import type { HubMetrics } from './hub/hub.ts';
import type { PublishResult } from './publish/publisher.ts';
import type { Tables } from './wire/messages.ts';

/** What is shown of one service and caller group beside its weights. */
export interface SteeredState {
  readonly service: string;
  readonly group: string;
  readonly isFrozen: boolean;
  readonly isPinned: boolean;
  /** 0: no trial runs. */
  readonly trialStage: number;
}

export class Metrics {
  readonly registry = new Registry();
  readonly hub: HubMetrics;
  private readonly weight = this.gauge('weight', 'Weight in force for the stable arm, out of 10000', [
    'service',
    'group',
    'backend',
  ]);
  private readonly frozen = this.gauge('frozen', '1 while weights stay whatever happens', ['service', 'group']);
  private readonly pinned = this.gauge('pinned', '1 while a person has set the weights', ['service', 'group']);
  private readonly trialStage = this.gauge('trial_stage', 'Stage of the running trial from 1; 0: none', [
    'service',
    'group',
  ]);
  private readonly edges = this.gauge('edges', 'Edges of the dependency graph', []);
  private readonly tableNumber = this.gauge('table_number', 'Number of the tables in force', []);
  private readonly tableEpoch = this.gauge('table_epoch', 'Epoch of the tables in force', []);
  private readonly decisions = this.counter('decisions_total', 'Decisions', ['kind', 'verdict']);
  private readonly storeFailures = this.counter('store_failures_total', 'Reads or writes of the store that failed', []);
  private readonly faults = this.counter('faults_total', 'Errors of the controller itself, caught and logged', [
    'where',
  ]);
  private readonly routeLoads = this.counter('route_loads_total', 'Changed routes that were taken or refused', [
    'result',
  ]);
  private readonly publishes = this.counter(
    'publishes_total',
    'Manifests of a route that were written, refused by what is there, failed, or removed',
    ['result'],
  );
  private readonly tickSeconds = new Histogram({
    name: 'weir_controller_tick_seconds',
    help: 'Time one tick took: deciding, storing, pushing',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers: [this.registry],
  });

  constructor() {
    const agents = this.gauge('agents', 'Connected agents', []);
    const reports = this.counter('reports_total', 'Reports taken', []);
    const stale = this.counter('reports_stale_total', 'Reports dropped because they were replayed or out of order', []);
    const lost = this.counter('reports_lost_total', 'Reports that agents said their outbox had dropped', []);
    const badFrames = this.counter('bad_frames_total', 'Frames from agents that could not be read', []);
    const refused = this.counter('agents_refused_total', 'Connections refused or ended, by reason', ['code']);
    const ackSeconds = new Histogram({
      name: 'weir_controller_push_ack_seconds',
      help: 'From the push of tables to an agent until it said that it has them',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
      registers: [this.registry],
    });
    this.hub = {
      agentCount: (connected) => agents.set(connected),
      report: () => reports.inc(),
      staleReport: () => stale.inc(),
      lostReports: (count) => lost.inc(count),
      badFrame: () => badFrames.inc(),
      refused: (code) => refused.inc({ code }),
      acked: (delayMs) => ackSeconds.observe(delayMs / 1_000),
    };
  }

  decision({ kind, verdict }: Decision): void {
    this.decisions.inc({ kind, verdict: verdict ?? '' });
  }

  storeFailure(): void {
    this.storeFailures.inc();
  }

  fault(where: string): void {
    this.faults.inc({ where });
  }

  routeLoad(result: 'taken' | 'refused'): void {
    this.routeLoads.inc({ result });
  }

  published(result: PublishResult): void {
    this.publishes.inc({ result });
  }

  tick(durationMs: number): void {
    this.tickSeconds.observe(durationMs / 1_000);
  }

  /** Shows what is in force. Series of services and backends that are gone disappear. */
  show(tables: Tables, states: readonly SteeredState[], edgeCount: number): void {
    this.tableEpoch.set(tables.epoch);
    this.tableNumber.set(tables.number);
    this.edges.set(edgeCount);
    for (const each of [this.weight, this.frozen, this.pinned, this.trialStage]) each.reset();
    for (const { service, group, backends } of tables.services) {
      for (const { name: backend, weight } of backends) this.weight.set({ service, group, backend }, weight);
    }
    for (const { service, group, isFrozen, isPinned, trialStage } of states) {
      this.frozen.set({ service, group }, isFrozen ? 1 : 0);
      this.pinned.set({ service, group }, isPinned ? 1 : 0);
      this.trialStage.set({ service, group }, trialStage);
    }
  }

  private gauge(name: string, help: string, labelNames: string[]): Gauge<string> {
    return new Gauge({ name: `weir_controller_${name}`, help, labelNames, registers: [this.registry] });
  }

  private counter(name: string, help: string, labelNames: string[]): Counter<string> {
    return new Counter({ name: `weir_controller_${name}`, help, labelNames, registers: [this.registry] });
  }
}
