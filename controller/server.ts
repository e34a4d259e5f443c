/**
 * The controller's process, in running order: store, routes, core, hub, API, timers. All deciding is in the core; here its
 * decisions are written down and said aloud, its tables pushed, its state kept. Whatever fails around it (the disk, a
 * frame, a route file, a request) is caught here, counted, said once, and steering goes on. One file, longer than most, because
 * it is the one place where all parts meet.
 *
 *   agent ──report──▶ hub ──▶ core.observe          each window: core.tick ──▶ tables ──▶ hub ──▶ agents
 *                                                                    └──▶ states ──▶ store
 */
import type { AddressInfo } from 'node:net';
import type { Access } from './access/access.ts';
import { type Api, createApi } from './api/api.ts';
import type { Changes } from './api/change.ts';
import { Certificate } from './api/tls.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Controller, ControllerOptions, Instant } from './controller.ts';
import type { Decision, NewDecision } from './decision.ts';
import type { FilterModule } from './filter-module.ts';
import type { Configured } from './graph/configured.ts';
import { Hub } from './hub/hub.ts';
import { isNewer, type TableVersion } from './hub/push.ts';
import { type Log, logDecision } from './log.ts';
import { Metrics } from './metrics.ts';
import type { Attacher } from './publish/attach.ts';
import { plansOf } from './publish/plan.ts';
import type { Publisher, PublisherOptions } from './publish/publisher.ts';
import { readingsOf } from './readings.ts';
import type { AdaptiveRoute } from './routes/route.ts';
import type { OpenRoutes, RouteNews, RouteSource } from './routes/source.ts';
import { RouteFiles } from './routes/watch.ts';
import { type KeyedState, savedServices, takeUp } from './steer/memory.ts';
import { openStore } from './store/open.ts';
import { SteadyStore } from './store/steady.ts';
import type { Store } from './store/store.ts';
import { Ticker } from './ticker.ts';
import type { Report, Tables } from './wire/messages.ts';

/** Agents that one controller takes: one per node, far above the largest cluster that Kubernetes supports. */
const MAX_AGENTS = 10_000;
const SWEEP_MS = 1_000;
/** Windows without a tick after which the process is worth restarting. */
const DEAD_AFTER_WINDOWS = 10;

/** What the process needs of the pure core. */
export type Core = Pick<
  Controller,
  | 'observe'
  | 'tick'
  | 'tables'
  | 'setRoutes'
  | 'freeze'
  | 'unfreeze'
  | 'pin'
  | 'unpin'
  | 'revert'
  | 'graph'
  | 'services'
  | 'demand'
  | 'routes'
  | 'called'
  | 'states'
>;

export interface ServerOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly release: string;
  readonly createCore: (options: ControllerOptions, at: Instant) => Core;
  /** Who may report and who may change state; absent: everybody. */
  readonly access?: Access;
  /** The store to use in place of the configured file's. */
  readonly store?: Store;
  /** Where routes come from in place of the configured file. */
  readonly openRoutes?: OpenRoutes;
  /** Who brings manifests to where they are applied; absent: nobody. */
  readonly openPublisher?: (count: PublisherOptions['count']) => Publisher;
  /** Who brings the filter into Envoys; absent: nobody. */
  readonly attacher?: Attacher;
  /** What the API server says of the mesh, undefined until it has; absent: there is none to say it. */
  readonly configured?: () => Configured | undefined;
  /** What proxies fetch; absent: it was not built. */
  readonly filter?: FilterModule;
}

export class Server {
  readonly metrics = new Metrics();
  private readonly options: ServerOptions;
  private readonly store: SteadyStore;
  private readonly routes: RouteSource;
  private readonly publisher: Publisher | undefined;
  private readonly hub: Hub;
  private readonly ticker: Ticker;
  private readonly sweeper: Ticker;
  private readonly core: Core;
  private api: Api | undefined;
  private epoch: number;
  private tickedMs: number;
  /** As kept last. */
  private states: readonly KeyedState[];
  private isStopping = false;
  /** Decisions of the manual step being taken, for its answer. */
  private collected: Decision[] | undefined;

  /** @throws RouteError when the routes are wrong */
  constructor(options: ServerOptions) {
    const { config, clock, log } = options;
    this.options = options;
    const openRoutes: OpenRoutes =
      options.openRoutes ?? ((listener) => new RouteFiles({ path: config.routesPath, ...listener }));
    this.routes = openRoutes({
      onChange: (routes) => this.takeRoutes(routes),
      onRefused: (error) => this.keepRoutes(error),
    });
    const routes = this.routes.start();
    this.publisher = options.openPublisher?.((result) => this.metrics.published(result));
    this.store = new SteadyStore(
      options.store ??
        openStore(config.dbPath, clock.wallMs(), (event, message, facts) => log.error({ event, ...facts }, message)),
      {
        onCount: () => this.metrics.storeFailure(),
        onFailure: (error) =>
          log.error(
            { event: 'store_failed', code: error.code },
            `${error.message}; steering goes on, writing is tried again`,
          ),
        onRecovered: () => log.info({ event: 'store_recovered' }, 'the store works again; what waited is written'),
      },
    );
    const counted = this.store.nextEpoch();
    const remembered = this.routes.remembered?.() ?? [];
    const heard = Math.max(0, ...remembered.map(({ epoch }) => epoch));
    this.epoch = heard < counted ? counted : this.store.nextEpoch(heard);
    const { states: saved, fromRoutes, said } = takeUp(this.store.states(), remembered, counted - 1);
    this.states = saved;
    this.core = options.createCore(
      {
        epoch: this.epoch,
        tableTtlMs: config.tableTtlMs,
        routes,
        decide: (decision) => this.decide(decision),
        saved,
        warn: (event, message, facts) => log.warn({ event, ...facts }, message),
      },
      this.now(),
    );
    this.tickedMs = clock.nowMs();
    this.hub = new Hub({
      ...(options.access && { access: options.access }),
      maxAgents: MAX_AGENTS,
      windowMs: config.windowMs,
      nowMs: () => clock.nowMs(),
      log,
      metrics: this.metrics.hub,
      epochAbove: (held) => this.epochAbove(held),
      onReport: (report) => this.observe(report),
    });
    this.ticker = new Ticker(config.windowMs, clock, () => this.tick());
    this.sweeper = new Ticker(SWEEP_MS, clock, () => this.hub.sweep());
    log.info(
      { event: 'state_loaded', epoch: this.epoch, services: routes.length, states: saved.length, fromRoutes },
      `epoch ${this.epoch}: ${routes.length} routes from ${config.routesPath}, ${said}`,
    );
  }

  /** Opens the port and begins to decide. @returns the address, for example http://127.0.0.1:15900 */
  async start(): Promise<string> {
    const { config, log, release, access, filter } = this.options;
    const { tls } = config;
    const refused = (error: Error) =>
      log.error(
        { event: 'certificate_refused' },
        `the changed certificate is refused, the old one counts: ${error.message}`,
      );
    const api = await createApi({
      ...(access && { access }),
      ...(filter && { filter }),
      ...(tls && { certificate: new Certificate(tls, refused) }),
      release,
      readings: readingsOf({
        ...{ core: this.core, hub: this.hub, store: this.store },
        tables: () => this.tables(),
        now: () => this.now(),
        configured: () => this.options.configured?.(),
      }),
      changes: this.changes(),
      health: {
        whyNotAlive: () => this.whyNotAlive(),
        whyNotReady: () => (this.isStopping ? 'the controller is stopping' : undefined),
        metrics: () => this.readMetrics(),
      },
      onFault: (error) => this.fault('api', error),
    });
    this.api = api;
    this.publish();
    api.server.on('upgrade', (request, socket, head) => this.hub.handleUpgrade(request, socket, head));
    await api.listen({ host: config.host, port: config.port });
    const { address, port, family } = api.server.address() as AddressInfo;
    const url = `${tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
    this.ticker.start();
    this.sweeper.start();
    log.info(
      { event: 'listening', url, windowMs: config.windowMs },
      `listening on ${url}, deciding every ${config.windowMs} ms`,
    );
    return url;
  }

  /** One window: decide, push, keep. */
  private tick(): void {
    const { clock } = this.options;
    const startedMs = clock.nowMs();
    try {
      this.core.tick(this.now());
      this.publish();
      this.keep();
      this.publisher?.tell(() => plansOf(this.core.routes(), this.core.services(this.now())), clock.nowMs());
      this.options.attacher?.tell(clock.nowMs());
      this.routes.tell(() => this.news());
    } catch (error) {
      this.fault('tick', error as Error);
    }
    this.tickedMs = clock.nowMs();
    this.metrics.tick(this.tickedMs - startedMs);
  }

  /** Reads the routes again, for SIGHUP. */
  reload(): void {
    this.routes.reload();
  }

  /** Stops deciding, keeps what must be kept, says goodbye. Agents go on with the tables they have. */
  async close(): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    this.ticker.close();
    this.sweeper.close();
    this.keep();
    await this.routes.close(() => this.news());
    await this.publisher?.close();
    await this.options.attacher?.close();
    await this.hub.close();
    await this.api?.close();
    this.keep();
    this.store.close();
    this.options.log.info({ event: 'stopped' }, 'stopped; agents go on with the tables they have');
  }

  private now(): Instant {
    const { clock } = this.options;
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
  }

  private tables(): Tables {
    return { ...this.core.tables(), epoch: this.epoch };
  }

  private publish(): void {
    this.hub.push(this.tables());
  }

  private keep(): void {
    this.states = this.core.states(this.now());
    this.store.saveStates(this.states);
  }

  private news(): RouteNews {
    const { epoch, number } = this.tables();
    return {
      services: this.core.services(this.now()),
      saved: savedServices(this.states),
      table: `${epoch}.${number}`,
      agentCount: this.hub.agents().length,
      published: (route) => this.publisher?.stateOf(route),
      decisions: (query) => this.store.decisions(query),
      wallMs: this.now().wallMs,
    };
  }

  private observe(report: Report): void {
    try {
      this.core.observe(report, this.now());
    } catch (error) {
      this.fault('report', error as Error);
    }
  }

  private decide(decision: NewDecision): Decision {
    const numbered = this.store.append(decision);
    logDecision(this.options.log, numbered);
    this.metrics.decision(numbered);
    this.collected?.push(numbered);
    return numbered;
  }

  /**
   * An agent obeys the highest epoch it has heard of. When that is not ours, the store that counted epochs was lost, and
   * our tables would be refused for good; so we go above it.
   */
  private epochAbove(held: TableVersion): number {
    if (!isNewer(held, this.tables())) return this.epoch;
    const before = this.epoch;
    this.epoch = this.store.nextEpoch(held.epoch);
    this.options.log.warn(
      { event: 'epoch_raised', from: before, to: this.epoch, heldEpoch: held.epoch, heldNumber: held.number },
      `an agent holds tables ${held.epoch}.${held.number}, which this store has never counted to: it was lost or replaced; going on as epoch ${this.epoch}`,
    );
    this.publish();
    return this.epoch;
  }

  private changes(): Changes {
    return {
      freeze: ({ service, by, why }) =>
        this.change((at) => this.core.freeze(service, by, why || 'no reason given', at)),
      unfreeze: ({ service, by }) => this.change((at) => this.core.unfreeze(service, by, at)),
      pin: ({ service, group, weights, by, why }) =>
        this.change((at) => this.core.pin(service, group ?? '*', weights, by, why || 'no reason given', at)),
      unpin: ({ service, group, by }) => this.change((at) => this.core.unpin(service, group ?? '*', by, at)),
      revert: ({ service, group, by }) => this.change((at) => this.core.revert(service, group ?? '*', by, at)),
    };
  }

  /** A manual step is in force and kept before it is answered. */
  private change(step: (at: Instant) => void): readonly Decision[] {
    const collected: Decision[] = [];
    this.collected = collected;
    try {
      step(this.now());
    } finally {
      this.collected = undefined;
    }
    this.publish();
    this.keep();
    this.routes.tell(() => this.news());
    return collected;
  }

  private takeRoutes(routes: readonly AdaptiveRoute[]): void {
    try {
      this.core.setRoutes(routes, this.now());
    } catch (error) {
      this.fault('routes', error as Error);
      return;
    }
    this.publisher?.hurry();
    this.publish();
    this.metrics.routeLoad('taken');
    this.options.log.info(
      { event: 'routes_loaded', services: routes.length },
      `the routes changed: ${routes.length} are in force`,
    );
  }

  private keepRoutes(error: Error): void {
    this.metrics.routeLoad('refused');
    this.options.log.error(
      { event: 'routes_refused', code: (error as { code?: unknown }).code },
      `the changed routes are refused, those in force stay: ${error.message}`,
    );
  }

  private fault(where: string, error: Error): void {
    this.metrics.fault(where);
    this.options.log.error(
      { event: 'fault', where, err: error },
      `${where} failed: ${error.message}; weights stay as they are`,
    );
  }

  private whyNotAlive(): string | undefined {
    const silentMs = this.options.clock.nowMs() - this.tickedMs;
    if (silentMs < DEAD_AFTER_WINDOWS * this.options.config.windowMs) return undefined;
    return `no window was decided for ${Math.round(silentMs)} ms`;
  }

  private async readMetrics(): Promise<{ contentType: string; text: string }> {
    const states = this.core.services(this.now()).map(({ service, group, frozen, pinned, trial }) => ({
      service,
      group,
      isFrozen: frozen !== null,
      isPinned: pinned !== null,
      trialStage: trial?.stage ?? 0,
    }));
    this.metrics.show(this.tables(), states, this.core.graph().edges.length);
    const { registry } = this.metrics;
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}
