/**
 * A mesh on this machine, from start to stop: apps, then Weir (or not), then Envoys, then load with the scenario's events.
 * Whoever runs one reads `watch` while it runs and `requests` afterwards; whoever tests one kills parts of it in between.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CallRecord, EndpointPorts, FromApps, FromLoad, RequestRecord, ToApps, ToLoad } from '../apps/messages.ts';
import { lastLines, startEnvoy } from '../envoy/process.ts';
import type { SharedCluster } from '../envoy/shared-cluster.ts';
import { rateSteps } from '../load/rate.ts';
import { buildRoot } from '../root.ts';
import type { Event, Scenario } from '../scenario/schema.ts';
import { type Child, Children } from './children.ts';
import { busyRatio, type CpuTimes, readCpu } from './cpu.ts';
import { describeSidecar, GATEWAY, placeEndpoints, placeSidecars } from './plan.ts';
import { Weir, wasmPath } from './weir.ts';

export interface MeshOptions {
  /** Already scaled to the duration of this run. */
  readonly scenario: Scenario;
  /** For each load the values of its request-rate file, empty when it has phases. */
  readonly rates: readonly (readonly number[])[];
  readonly seed: number;
  /** Path of an Envoy. */
  readonly envoy: string;
  /** Folder for configurations and logs; made when it is missing. */
  readonly directory: string;
  /** false: the same mesh without filter, agents and controller. */
  readonly isSteered: boolean;
  readonly watcher: Watcher;
  /** What a test does to the mesh while it runs. */
  readonly interventions?: readonly Intervention[];
  /** Of a mesh without Weir: services with a route are balanced by Envoy over one cluster like this. */
  readonly shared?: SharedCluster;
  /** Program that takes the controller's place; the benchmark compares with one. */
  readonly controllerFile?: string;
  /** Only the last seconds of the warm-up are sent; requests keep their numbers. Without it, all. */
  readonly playedWarmupS?: number;
}

/** For example: at second 5 kill the controller. One that fails fails the run. */
export interface Intervention {
  readonly atS: number;
  readonly act: (mesh: Mesh) => Promise<void>;
}

/** Told of what happens, with the ms since second 0 (negative in the warm-up). */
export interface Watcher {
  requests(records: readonly RequestRecord[]): void;
  /** Every call, external ones too, as its caller saw it. */
  calls(records: readonly CallRecord[], atMs: number): void;
  event(event: Event): void;
  /** A part of Weir ended by itself: the mesh goes on without it. */
  lost(name: string, how: string): void;
}

export class Mesh {
  readonly requests: RequestRecord[] = [];
  /** Undefined before `start` and in a mesh without Weir. */
  weir: Weir | undefined;
  /** How busy the whole machine was while the run counted, 0 to 1; undefined until it is over. */
  machineBusyRatio: number | undefined;
  private readonly options: MeshOptions;
  private readonly children: Children;
  private readonly apps: Child[] = [];
  private readonly gatewayPorts: Record<string, number> = {};
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly intervening: Promise<void>[] = [];
  private zeroMs = Number.POSITIVE_INFINITY;
  private cpuAtZero: CpuTimes | undefined;
  private readonly failed: Promise<never>;
  private fail: (error: Error) => void = () => {};

  constructor(options: MeshOptions) {
    this.options = options;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // Whoever waits for the mesh races it against this; nobody may be waiting yet.
    this.failed.catch(() => {});
    this.children = new Children((child, how) => this.onEnd(child, how));
  }

  /** Resolves when every Envoy is ready. @throws Error when some part does not start; nothing is left running then */
  async start(): Promise<void> {
    mkdirSync(this.options.directory, { recursive: true });
    try {
      await Promise.race([this.startAll(), this.failed]);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ms since second 0 of the run; -Infinity before the load's start. */
  nowMs(): number {
    return performance.now() - this.zeroMs;
  }

  pids(): readonly number[] {
    return this.children.pids();
  }

  /** Every process that runs: `controller`, `agent@NODE`, `apps@NODE`, `load`, and Envoys as WORKLOAD@NODE. */
  processes(): readonly Pick<Child, 'name' | 'pid'>[] {
    return this.children.all();
  }

  /** Sends the whole load, makes the events happen, resolves when the last request and intervention have ended. @throws Error when an app or Envoy died */
  async run(): Promise<void> {
    const { scenario, rates, seed } = this.options;
    const order: ToLoad = {
      type: 'go',
      seed,
      warmupS: scenario.warmupS,
      playedWarmupS: this.options.playedWarmupS,
      hosts: Object.fromEntries(scenario.services.map((service) => [service.name, `${service.name}:${service.port}`])),
      gatewayPorts: this.gatewayPorts,
      plans: scenario.load.map((load, i) => ({
        zone: load.zone,
        service: load.service,
        arrivals: load.arrivals,
        rateSteps: rateSteps(scenario, load, rates[i] ?? []),
      })),
    };
    const load = this.startNode('load', join('load', 'main.js'));
    const done = new Promise<void>((resolve) => {
      load.process.on('message', (message: FromLoad) => {
        if (message.type === 'started') this.begin(message.zeroEpochMs);
        if (message.type === 'requests') this.take(message.requests);
        if (message.type === 'done') resolve();
      });
    });
    tell(load, order);
    const over = done.then(() => Promise.all(this.intervening));
    await Promise.race([over, this.failed]);
    if (this.cpuAtZero) this.machineBusyRatio = busyRatio(this.cpuAtZero, readCpu());
    await this.children.kill(load, 'SIGTERM');
  }

  /** Stops everything; no process is left when it resolves. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    this.fail(new Error('the mesh was stopped'));
    await this.children.stop();
  }

  private async startAll(): Promise<void> {
    const { scenario, directory, envoy, isSteered, shared, controllerFile } = this.options;
    const endpoints = await this.startApps();
    if (isSteered) this.weir = await Weir.start(this.children, scenario, directory, controllerFile);
    const places = placeSidecars(scenario);
    const started = await Promise.all(
      places.map(async (place) => {
        const weir = this.weir && { wasmPath: wasmPath, agentPort: this.weir.agentPort(place.node) };
        const sidecar = describeSidecar(scenario, place, endpoints, weir, shared);
        return { place, envoy: await startEnvoy(this.children, envoy, directory, place.name, sidecar) };
      }),
    );
    for (const { place, envoy: running } of started) {
      if (place.workload === GATEWAY) this.gatewayPorts[place.zone] = running.listenerPort;
    }
    for (const app of this.apps) {
      const own = started.filter(({ place }) => `apps@${place.node}` === app.name && place.workload !== GATEWAY);
      tell(app, {
        type: 'sidecars',
        portByService: Object.fromEntries(
          own.map(({ place, envoy: running }) => [place.workload, running.listenerPort]),
        ),
      });
    }
  }

  private async startApps(): Promise<EndpointPorts[]> {
    const { scenario, seed } = this.options;
    const opening = [...placeEndpoints(scenario)].map(([node, endpoints]) => {
      const child = this.startNode(`apps@${node}`, join('apps', 'main.js'));
      this.apps.push(child);
      return new Promise<readonly EndpointPorts[]>((resolve) => {
        child.process.on('message', (message: FromApps) => {
          if (message.type === 'opened') resolve(message.ports);
          else this.options.watcher.calls(message.calls, this.nowMs());
        });
        tell(child, { type: 'open', scenario, seed, node, endpoints });
      });
    });
    return (await Promise.all(opening)).flat();
  }

  private startNode(name: string, file: string): Child {
    return this.children.start(name, {
      command: process.execPath,
      args: ['--enable-source-maps', join(buildRoot, 'deploy', 'local', file)],
      logPath: join(this.options.directory, `${name}.log`),
      hasChannel: true,
    });
  }

  private begin(zeroEpochMs: number): void {
    this.zeroMs = zeroEpochMs - performance.timeOrigin;
    const at = (atS: number, act: () => void) => {
      this.timers.push(setTimeout(act, this.zeroMs + atS * 1000 - performance.now()));
    };
    at(0, () => {
      this.cpuAtZero = readCpu();
    });
    for (const event of this.options.scenario.events) at(event.atS, () => this.happen(event));
    for (const { atS, act } of this.options.interventions ?? [])
      at(atS, () => this.intervening.push(act(this).catch((error: Error) => this.fail(error))));
  }

  private happen(event: Event): void {
    this.options.watcher.event(event);
    const [service = '', backend = ''] = event.backend?.split('/') ?? [];
    const change = event.heal ? 'heal' : event.change;
    for (const app of this.apps) {
      if (event.backend && change) tell(app, { type: 'change', service, backend, index: event.endpoint, change });
      if (event.wire) tell(app, { type: 'wire', ...event.wire });
    }
  }

  private take(records: readonly RequestRecord[]): void {
    this.requests.push(...records);
    this.options.watcher.requests(records);
    this.options.watcher.calls(records, this.nowMs());
  }

  private onEnd(child: Child, how: string): void {
    if (child.name === 'controller' || child.name.startsWith('agent@')) this.options.watcher.lost(child.name, how);
    else {
      const log = join(this.options.directory, `${child.name}.log`);
      this.fail(new Error(`${child.name} ended by itself (${how}); the end of ${log}:\n${lastLines(log)}`));
    }
  }
}

/** To a child that has just ended nothing can be said; that it ended is heard of elsewhere. */
function tell(child: Child, message: ToApps | ToLoad): void {
  child.process.send(message, () => {});
}
