/**
 * A mesh with queues for tests and studies of the controller's core, event by event: callers in zones draw as the filter does
 * (by weight, then the least busy for its weight), backends have slots and a bounded queue, a slot is held while the backend's own
 * calls are under way, crossing zones takes time on the wire, and each second becomes a report per caller and zone. Latency is
 * that of headers, as the filter measures it. Seeded; 1 million calls take some seconds.
 */
import { Controller, type ControllerOptions } from '../../controller/controller.ts';
import type { Decision } from '../../controller/decision.ts';
import type { AdaptiveRoute } from '../../controller/routes/route.ts';
import type { EdgeReport } from '../../controller/wire/messages.ts';
import { EventHeap } from './event-heap.ts';
import { seeded } from './random.ts';

export interface SimBackend {
  readonly name: string;
  readonly zone: string;
  /** Requests served at once, over all endpoints. */
  slots: number;
  meanMs: number;
  /** Spread of the log-normal service time. */
  sigma: number;
  errorRatio: number;
  queueLimit: number;
}

export interface SimService {
  readonly name: string;
  readonly backends: readonly SimBackend[];
  /** Services that each call calls, one after the other. */
  readonly calls: readonly string[];
}

export interface SimOptions {
  readonly services: readonly SimService[];
  readonly zones: readonly string[];
  readonly oneWayMs: number;
  /** Requests per second to the first service, by zone, at a second of the run. */
  readonly loadRps: (zone: string, second: number) => number;
  readonly routes: readonly AdaptiveRoute[];
  /** Proxies per workload and zone: each knows only its own requests in flight. */
  readonly proxies: number;
  readonly seed: number;
  readonly isSteered: boolean;
  /** Called before each second. */
  readonly each?: (second: number, mesh: QueueingMesh) => void;
}

export interface Served {
  readonly atMs: number;
  readonly latencyMs: number;
  readonly isOk: boolean;
}

interface Station {
  readonly backend: SimBackend;
  busy: number;
  readonly queue: (() => void)[];
}

interface Share {
  readonly name: string;
  readonly weight: number;
  readonly takesOver: boolean;
}

/** What one proxy knows of one backend. */
interface Usual {
  inFlight: number;
  atMs: number;
  latencyMs: number;
}

/** As filter/measure/usual.ts has them: the time that the mean in flight reaches back over, and a call's part in that latency. */
const USUAL_MS = 51_000;
const LATENCY_GAIN = 1 / 64;

type Done = (isOk: boolean) => void;

export class QueueingMesh {
  readonly decisions: Decision[] = [];
  readonly served: Served[] = [];
  readonly controller: Controller;
  readonly options: SimOptions;
  private readonly random: () => number;
  private readonly events = new EventHeap();
  private readonly stations = new Map<string, Station>();
  private readonly inFlight = new Map<string, number>();
  private readonly usual = new Map<string, Usual>();
  private edges = new Map<string, EdgeReport & { outcomes: number[]; latency: number[]; inFlight: number }>();
  private nowMs = 0;
  private sequence = 0;

  constructor(options: SimOptions, saved: ControllerOptions['saved'] = []) {
    this.options = options;
    this.random = seeded(options.seed);
    for (const { name, backends } of options.services) {
      for (const backend of backends) this.stations.set(`${name}/${backend.name}`, { backend, busy: 0, queue: [] });
    }
    this.controller = new Controller(
      {
        epoch: 1,
        tableTtlMs: 60_000,
        routes: options.routes,
        saved,
        decide: (decision) => {
          const numbered = { ...decision, id: this.decisions.length + 1 };
          this.decisions.push(numbered);
          return numbered;
        },
        warn: () => {},
      },
      { nowMs: 0, wallMs: 0 },
    );
  }

  run(seconds: number): void {
    const { zones, each, loadRps } = this.options;
    for (let second = 0; second < seconds; second++) {
      each?.(second, this);
      for (const zone of zones) this.arrive(zone, second, loadRps(zone, second));
      this.advance((second + 1) * 1_000);
      if (this.options.isSteered) this.report();
    }
  }

  /** Weights in force for a zone's calls. */
  weights(service: string, zone: string): Record<string, number> {
    const table = this.tableOf(service, zone);
    const backends = this.options.services.find(({ name }) => name === service)?.backends ?? [];
    if (!table) return Object.fromEntries(backends.map(({ name }) => [name, 10_000 / backends.length]));
    return Object.fromEntries(table.backends.map(({ name, weight }) => [name, weight]));
  }

  /** Latency quantile of what was served well from a second on, ms; failed requests count as the slowest. */
  quantileMs(quantile: number, fromSecond: number): number {
    const sorted = this.served
      .filter(({ atMs }) => atMs >= fromSecond * 1_000)
      .map(({ latencyMs, isOk }) => (isOk ? latencyMs : Number.POSITIVE_INFINITY))
      .sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(quantile * sorted.length))] ?? 0;
  }

  private arrive(zone: string, second: number, rps: number): void {
    const first = this.options.services[0];
    if (!first) return;
    for (let atMs = second * 1_000 + this.exponential(1_000 / rps); atMs < (second + 1) * 1_000; ) {
      const startMs = atMs;
      this.events.push(startMs, () => {
        this.call('gateway', zone, first.name, (isOk) => {
          this.served.push({ atMs: startMs, latencyMs: this.nowMs - startMs, isOk });
        });
      });
      atMs += this.exponential(1_000 / rps);
    }
  }

  private advance(untilMs: number): void {
    for (;;) {
      const event = this.events.popUntil(untilMs);
      if (!event) break;
      this.nowMs = event.atMs;
      event.run();
    }
    this.nowMs = untilMs;
  }

  private call(workload: string, zone: string, service: string, done: Done): void {
    const proxy = Math.floor(this.random() * this.options.proxies);
    const { backend, isTrial, trialId } = this.pick(workload, zone, proxy, service);
    const station = this.stations.get(`${service}/${backend}`);
    if (!station) {
      done(false);
      return;
    }
    const flightKey = `${workload} ${zone} ${proxy} ${service}/${backend}`;
    this.inFlight.set(flightKey, (this.inFlight.get(flightKey) ?? 0) + 1);
    const edge = this.edgeOf(workload, zone, service, backend, isTrial ? trialId : 0);
    edge.inFlight += 1;
    const startMs = this.nowMs;
    const wireMs = station.backend.zone === zone ? 0 : this.options.oneWayMs;
    this.later(wireMs, () =>
      this.serve(service, station, (isOk) =>
        this.later(wireMs, () => {
          this.inFlight.set(flightKey, (this.inFlight.get(flightKey) ?? 1) - 1);
          const now = this.edgeOf(workload, zone, service, backend, isTrial ? trialId : 0);
          const slot = isOk ? 0 : 3;
          now.outcomes[slot] = (now.outcomes[slot] ?? 0) + 1;
          if (isOk) now.latency.push(Math.round((this.nowMs - startMs) * 1_000), 1);
          if (isOk) this.noteLatency(flightKey, this.nowMs - startMs);
          done(isOk);
        }),
      ),
    );
  }

  private noteLatency(key: string, latencyMs: number): void {
    const usual = this.usual.get(key);
    if (usual) usual.latencyMs += (usual.latencyMs === 0 ? 1 : LATENCY_GAIN) * (latencyMs - usual.latencyMs);
  }

  private serve(service: string, station: Station, done: Done): void {
    const { backend } = station;
    if (station.busy >= backend.slots) {
      if (station.queue.length >= backend.queueLimit) done(false);
      else station.queue.push(() => this.serve(service, station, done));
      return;
    }
    station.busy += 1;
    const finish = (isOk: boolean) => {
      station.busy -= 1;
      station.queue.shift()?.();
      done(isOk);
    };
    if (this.random() < backend.errorRatio) {
      this.later(1, () => finish(false));
      return;
    }
    const { sigma, meanMs } = backend;
    const workMs = meanMs * Math.exp(sigma * this.gaussian() - (sigma * sigma) / 2);
    const calls = this.options.services.find(({ name }) => name === service)?.calls ?? [];
    const next = (index: number): void => {
      const callee = calls[index];
      if (callee === undefined) finish(true);
      else this.call(service, backend.zone, callee, (isOk) => (isOk ? next(index + 1) : finish(false)));
    };
    this.later(workMs, () => next(0));
  }

  private pick(workload: string, zone: string, proxy: number, service: string) {
    const table = this.options.isSteered ? this.tableOf(service, zone) : undefined;
    const isTrial = table !== undefined && this.random() * 10_000 < table.trialShare;
    const shares = table
      ? table.backends.map(({ name, weight, trialWeight, takesOver = false }) => ({
          name,
          weight: isTrial ? trialWeight : weight,
          takesOver,
        }))
      : (this.options.services.find(({ name }) => name === service)?.backends ?? []).map(({ name }) => ({
          name,
          weight: 10_000 / (this.options.services.find((each) => each.name === service)?.backends.length ?? 1),
          takesOver: false,
        }));
    const flight = (name: string) => this.inFlight.get(`${workload} ${zone} ${proxy} ${service}/${name}`) ?? 0;
    const drawn = this.drawOf(shares);
    const isLess = (a: Share, b: Share) => flight(a.name) * b.weight < flight(b.name) * a.weight;
    const takers = shares.filter(
      (other) =>
        isLess(other, drawn) && (flight(other.name) + 1) * drawn.weight < (flight(drawn.name) + 1) * other.weight,
    );
    const least = takers.filter((taker) => !takers.some((other) => isLess(other, taker)));
    const lightest = least.length === 0 ? drawn : this.drawOf(least);
    const best = this.spill(`${workload} ${zone} ${proxy} ${service}/`, shares, drawn) ?? lightest;
    return { backend: best.name, isTrial, trialId: table?.trialId ?? 0 };
  }

  /** Where a crowd is at the drawn one, who would answer soonest; as filter/route/pick.ts has it. */
  private spill(prefix: string, shares: readonly Share[], drawn: Share): Share | undefined {
    const flight = ({ name }: Share) => this.inFlight.get(prefix + name) ?? 0;
    const usualOf = (share: Share) => {
      const usual = this.usual.get(prefix + share.name) ?? { inFlight: flight(share), atMs: this.nowMs, latencyMs: 0 };
      this.usual.set(prefix + share.name, usual);
      return usual;
    };
    for (const share of shares) {
      const usual = usualOf(share);
      const kept = Math.exp((usual.atMs - this.nowMs) / USUAL_MS);
      usual.inFlight = kept * usual.inFlight + (1 - kept) * flight(share);
      usual.atMs = this.nowMs;
    }
    if (flight(drawn) <= 2 * usualOf(drawn).inFlight + 3) return undefined;
    const waitMs = (share: Share) => (flight(share) + 1) * usualOf(share).latencyMs;
    const able = shares.filter((share) => share.takesOver && share.weight > 0 && waitMs(share) > 0);
    const best = [drawn, ...able].reduce((a, b) => (waitMs(b) < waitMs(a) ? b : a));
    return best.name === drawn.name ? undefined : best;
  }

  private drawOf(shares: readonly Share[]): Share {
    let left = this.random() * shares.reduce((sum, { weight }) => sum + weight, 0);
    for (const share of shares) {
      left -= share.weight;
      if (left < 0) return share;
    }
    return shares.at(-1) ?? { name: '', weight: 0, takesOver: false };
  }

  private tableOf(service: string, zone: string) {
    const tables = this.controller.tables().services.filter((table) => table.service.split(':')[0] === service);
    return tables.find(({ group }) => group === zone) ?? tables.find(({ group }) => group === '*');
  }

  private edgeOf(workload: string, zone: string, service: string, backend: string, trialId: number) {
    const key = `${workload} ${zone} ${service}/${backend} ${trialId}`;
    const known = this.edges.get(key);
    if (known) return known;
    const made: EdgeReport & { outcomes: number[]; latency: number[]; inFlight: number } = {
      caller: { workload, namespace: 'demo', zone, node: `node-${zone}` },
      cluster: clusterOf(service, backend),
      arm: trialId > 0 ? ('trial' as const) : ('stable' as const),
      trialId,
      outcomes: [0, 0, 0, 0, 0, 0],
      retries: 0,
      inFlight: 0,
      latencySumUs: 0,
      latency: [],
    };
    this.edges.set(key, made);
    return made;
  }

  private report(): void {
    const at = { nowMs: this.nowMs, wallMs: this.nowMs };
    const levels = new Map<string, number>();
    for (const [key, count] of this.inFlight) {
      const [workload, zone, , place] = key.split(' ');
      const name = `${workload} ${zone} ${place}`;
      levels.set(name, (levels.get(name) ?? 0) + count);
    }
    const edges = [...this.edges].map(([key, edge]) => {
      const [workload, zone, place] = key.split(' ');
      return { ...edge, inFlight: edge.arm === 'stable' ? (levels.get(`${workload} ${zone} ${place}`) ?? 0) : 0 };
    });
    this.edges = new Map();
    this.sequence += 1;
    const report = {
      type: 'report' as const,
      sequence: this.sequence,
      windowStartMs: this.nowMs - 1_000,
      windowMs: 1_000,
    };
    this.controller.observe({ ...report, edges, forecasts: [], proxies: [], lostReports: 0 }, at);
    this.controller.tick(at);
  }

  private later(delayMs: number, run: () => void): void {
    this.events.push(this.nowMs + delayMs, run);
  }

  private exponential(meanMs: number): number {
    return -Math.log(1 - this.random()) * meanMs;
  }

  private gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random());
  }
}

export function clusterOf(service: string, backend: string): string {
  return `${service}|${backend}`;
}
