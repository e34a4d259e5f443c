/**
 * The agent's conductor, in the order that things happen: filters deliver samples, a window adds them up, a report with
 * forecasts goes to the controller, tables come back and go to the filters that wait for them.
 */
import type { Caller, Tables as TablesFrame } from '../controller/wire/messages.ts';
import type { Clock } from './clock.ts';
import { Collector } from './collector.ts';
import type { Config } from './config.ts';
import { type Answer, HeldRequests } from './intake/held.ts';
import { Intake, type Sender } from './intake/server.ts';
import { createNotices, type Log, type Notices } from './log.ts';
import { Metrics } from './metrics.ts';
import { Tables } from './tables/tables.ts';
import { Ticker } from './ticker.ts';
import { connector } from './uplink/connect.ts';
import { Outbox } from './uplink/outbox.ts';
import { splitReport } from './uplink/split.ts';
import { Uplink } from './uplink/uplink.ts';
import type { Samples } from './wire/samples.ts';

/** Until a controller says otherwise. */
const DEFAULT_WINDOW_MS = 1_000;
/** What proxies call is learnt from samples, a proxy at a time; their views are looked at together. */
const LEARNT_DELAY_MS = 20;
/** Longer than filters take to hear of new tables. */
const WRITE_DELAY_MS = 100;

export interface AgentOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly release: string;
  /** From the taking of tables to their writing on disk, ms. */
  readonly writeDelayMs?: number;
}

export class Agent {
  readonly #options: AgentOptions;
  readonly #notices: Notices;
  readonly #metrics: Metrics;
  readonly #intake: Intake;
  readonly #collector: Collector;
  readonly #outbox: Outbox;
  readonly #uplink: Uplink;
  readonly #tables: Tables;
  readonly #held: HeldRequests;
  readonly #ticker: Ticker;
  #sequence = 0;
  #lostReports = 0;
  #isStarted = false;
  #isLearning = false;
  #cancelLearnt: (() => void) | undefined;

  constructor(options: AgentOptions) {
    const { config, clock, log } = options;
    this.#options = options;
    this.#notices = createNotices(log, () => clock.nowMs());
    this.#metrics = this.#makeMetrics();
    this.#intake = this.#makeIntake();
    this.#collector = this.#makeCollector();
    this.#outbox = new Outbox(config.outboxReports);
    this.#uplink = this.#makeUplink();
    this.#tables = this.#makeTables();
    this.#held = new HeldRequests({ tables: this.#tables, clock, maxHeld: config.maxConnections });
    this.#ticker = new Ticker(clock, DEFAULT_WINDOW_MS, (startMs, endMs) => this.#closeWindow(startMs, endMs));
  }

  /** Takes up what an earlier life left, opens the door to filters, then looks for the controller. @returns the port */
  async start(): Promise<number> {
    const { config, log } = this.#options;
    await this.#tables.open();
    const port = await this.#intake.start();
    this.#isStarted = true;
    this.#ticker.start();
    this.#uplink.start();
    const fields = { host: config.host, port, zone: config.zone, ...this.#tables.version() };
    log.info({ event: 'agent_started', ...fields }, `agent of node ${config.node} listens on ${config.host}:${port}`);
    return port;
  }

  /** Lets filters go with what they have, says goodbye to the controller, writes down what changed. */
  async close(): Promise<void> {
    this.#ticker.close();
    this.#cancelLearnt?.();
    this.#held.close();
    await Promise.all([this.#intake.close(), this.#uplink.close()]);
    await this.#tables.close();
    if (!this.#isStarted) return;
    this.#options.log.info({ event: 'agent_stopped' }, 'stopped; filters keep the weights they have until their ttl');
  }

  // Samples in.

  #takeSamples(sender: Sender, samples: Samples): void {
    const caller = this.#callerOf(sender);
    if (!this.#collector.take(sender.nodeId, caller, samples)) return;
    const clusters = samples.edges.map((edge) => edge.cluster);
    this.#isLearning = true;
    this.#tables.learn(caller, clusters);
    this.#isLearning = false;
  }

  #callerOf({ workload, namespace, zone }: Sender): Caller {
    const { config } = this.#options;
    return { workload, namespace, zone: zone || config.zone, node: config.node };
  }

  // Report out.

  #closeWindow(startMs: number, endMs: number): void {
    const { clock } = this.#options;
    try {
      const report = this.#collector.close(startMs, endMs);
      for (const part of splitReport(report, () => ++this.#sequence)) this.#uplink.send(part);
      this.#countLostReports();
      this.#collector.lookForSeasons();
    } catch (error) {
      this.#fault('window', error);
    }
    this.#metrics.windowSeconds.observe((clock.nowMs() - endMs) / 1_000);
  }

  #countLostReports(): void {
    const lost = this.#outbox.lostTotal - this.#lostReports;
    if (lost === 0) return;
    this.#lostReports += lost;
    this.#metrics.lostReports.inc(lost);
    const sentence = 'the outbox is full, the oldest reports are dropped until the controller takes them';
    this.#notices.degraded('reports_lost', { lost, waiting: this.#outbox.length }, sentence);
  }

  // Tables back.

  async #takeTables(frame: TablesFrame): Promise<boolean> {
    try {
      return (await this.#tables.accept(frame)) !== 'refused';
    } catch (error) {
      this.#fault('tables', error);
      return false;
    }
  }

  #viewsChanged(): void {
    if (!this.#isLearning) {
      this.#held.answerNews();
      return;
    }
    this.#cancelLearnt ??= this.#options.clock.after(LEARNT_DELAY_MS, () => {
      this.#cancelLearnt = undefined;
      this.#held.answerNews();
    });
  }

  #fault(where: string, error: unknown): void {
    this.#metrics.faults.inc({ where });
    const sentence = `${where} failed: ${String(error)}; going on without`;
    this.#options.log.error({ event: 'fault', where, err: error }, sentence);
  }

  // What the conductor conducts. Each knows the others only by what it is handed here.

  #makeIntake(): Intake {
    const { config } = this.#options;
    return new Intake({
      host: config.host,
      port: config.port,
      maxConnections: config.maxConnections,
      onSamples: (sender, samples) => this.#takeSamples(sender, samples),
      onTableRequest: (sender, haveViewId, answer) => {
        const asker = { viewer: this.#callerOf(sender), vmId: sender.vmId, haveViewId };
        return this.#held.ask(asker, (given: Answer) => {
          this.#metrics.tableAnswers.inc({ kind: given.kind });
          answer(given);
        });
      },
      onRefused: (status, message) => {
        this.#metrics.refusedRequests.inc({ status: String(status) });
        this.#notices.degraded('request_refused', { status }, `a request was refused: ${message}`);
      },
      onUnused: () => this.#metrics.refusedRequests.inc({ status: '408' }),
      onFault: (error) => this.#fault('request', error),
      whyNotReady: () =>
        this.#uplink.wasReached || this.#tables.hasAny()
          ? undefined
          : `the controller at ${config.controllerUrl} was not reached yet and no earlier tables are on disk`,
      metrics: () => this.#metrics.page(),
    });
  }

  #makeCollector(): Collector {
    const { clock, config } = this.#options;
    return new Collector({
      clock,
      notices: this.#notices,
      forecastWindowMs: config.forecastWindowMs,
      count: {
        samples: (result) => this.#metrics.samples.inc({ result }),
        calls: (count) => this.#metrics.calls.inc(count),
        droppedCalls: (count) => this.#metrics.droppedCalls.inc(count),
        crowdedSeries: (count) => this.#metrics.crowdedSeries.inc(count),
      },
    });
  }

  #makeUplink(): Uplink {
    const { config, clock, random, log, release } = this.#options;
    const { node, zone } = config;
    return new Uplink({
      url: config.controllerUrl,
      connect: connector(config, this.#notices),
      clock,
      random,
      log,
      notices: this.#notices,
      outbox: this.#outbox,
      // A node's agent keeps its name through restarts, so that the controller replaces the old one and adds none.
      hello: () => ({ agentId: node, node, zone, release, ...this.#tables.version() }),
      admits: (epoch) => this.#tables.admits(epoch),
      onWelcome: ({ windowMs }) => this.#ticker.setWindow(windowMs),
      onTables: (frame) => this.#takeTables(frame),
      onAlive: () => this.#tables.hear(),
      count: {
        badFrames: () => this.#metrics.badFrames.inc(),
        connects: () => this.#metrics.connects.inc(),
        sentReports: () => this.#metrics.reports.inc(),
      },
    });
  }

  #makeTables(): Tables {
    const { config, clock, log } = this.#options;
    return new Tables({
      stateDir: config.stateDir,
      writeDelayMs: this.#options.writeDelayMs ?? WRITE_DELAY_MS,
      clock,
      log,
      notices: this.#notices,
      count: {
        stateErrors: () => this.#metrics.stateErrors.inc(),
        tableFaults: (count) => this.#metrics.tableFaults.inc(count),
        epochsRefused: () => this.#metrics.epochsRefused.inc(),
      },
      onChange: () => this.#viewsChanged(),
      onRefresh: () => this.#held.answerAll(),
    });
  }

  #makeMetrics(): Metrics {
    return new Metrics({
      heldRequests: () => this.#held.size,
      filterVms: () => this.#collector.filterVms,
      series: () => this.#collector.series,
      outboxReports: () => this.#outbox.length,
      isConnected: () => this.#uplink.isConnected,
      tableAgeMs: () => this.#tables.ageMs(),
      tableRemainingMs: () => this.#tables.remainingMs(),
      tableVersion: () => this.#tables.version(),
    });
  }
}
