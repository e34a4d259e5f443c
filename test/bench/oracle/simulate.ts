/**
 * A scenario played on simulated time with weights that stay: arrivals, calls, wires, queues, errors, timeouts, retries and
 * events as deploy/local plays them in real Envoys, request by request on the same draws. Missing is what processors and sockets
 * take, about 1 to 2 ms a hop. Pure; the same seed gives the same requests.
 */
import { isSuccess } from '../../../deploy/local/apps/caller.ts';
import { arrivalsOf } from '../../../deploy/local/load/arrivals.ts';
import { rateSteps } from '../../../deploy/local/load/rate.ts';
import { GATEWAY, placeEndpoints, placeSidecars } from '../../../deploy/local/mesh/plan.ts';
import { chanceOf } from '../../../deploy/local/random.ts';
import type { ReadScenario } from '../../../deploy/local/scenario/read.ts';
import { routesOf } from '../../../deploy/local/scenario/routes.ts';
import type { Event, Scenario } from '../../../deploy/local/scenario/schema.ts';
import type { Call, Service } from '../../../deploy/local/scenario/service-schema.ts';
import { weightsOf } from '../../../deploy/local/scenario/weights.ts';
import { EventHeap } from '../../support/event-heap.ts';
import { EVERYBODY, type FixedWeights } from '../peers/fixed-weights.ts';
import { SimulatedEndpoint } from './endpoint.ts';
import { type Callee, type Cluster, type Host, pickCluster, pickHost } from './sidecar.ts';

/** Envoy's waits before retries, as the mesh sets them: drawn from 0 to 5 ms, 10 ms and so on. */
const RETRY_BASE_MS = 5;
const RETRY_MOST_MS = 50;
const TIMED_OUT = 504;
const UNREACHABLE = 503;

export interface SimulatedRequest {
  readonly atMs: number;
  readonly latencyMs: number;
  readonly status: number;
}

export interface Simulated {
  /** Those that count: of the warm-up none. */
  readonly requests: readonly SimulatedRequest[];
  /** Calls made, warm-up and retries included. */
  readonly callCount: number;
}

export interface SimulateOptions {
  readonly read: ReadScenario;
  readonly weights: FixedWeights;
  readonly seed: number;
  /** Of the warm-up at most so much is played, s. */
  readonly settlesS: number;
  /** Told of each request that counts as it ends; true: nobody wants to know how it goes on. */
  readonly isEnough?: (request: SimulatedRequest) => boolean;
}

export function simulate(options: SimulateOptions): Simulated {
  return new Simulation(options).run();
}

/** Services by name, as one sidecar calls them. */
type Callees = ReadonlyMap<string, Callee>;

class Simulation {
  private readonly options: SimulateOptions;
  private readonly heap = new EventHeap();
  private readonly endpoints = new Map<string, SimulatedEndpoint[]>();
  private readonly sidecars = new Map<string, { readonly zone: string; readonly callees: Callees }>();
  private readonly gateways = new Map<string, string>();
  private readonly wireMs = new Map<string, number>();
  private nowMs = Number.NEGATIVE_INFINITY;
  private callCount = 0;
  private isEnough = false;

  constructor(options: SimulateOptions) {
    this.options = options;
    const { scenario } = options.read;
    for (const { between, oneWayMs } of scenario.wire) this.setWire(between, oneWayMs);
    for (const [node, placed] of placeEndpoints(scenario)) {
      for (const { service, backend, index } of placed) this.addEndpoint(service, backend, index, `${service}@${node}`);
    }
    for (const { name, workload, zone, calls } of placeSidecars(scenario)) {
      this.sidecars.set(name, { zone, callees: this.calleesOf(calls, zone) });
      if (workload === GATEWAY) this.gateways.set(zone, name);
    }
  }

  run(): Simulated {
    const { read, settlesS, isEnough } = this.options;
    const { durationS, warmupS, events } = read.scenario;
    const fromMs = -Math.min(warmupS, settlesS) * 1000;
    const requests: SimulatedRequest[] = [];
    for (const event of events) this.heap.push(event.atS * 1000, () => this.happen(event));
    const arrivals = this.arrivals(fromMs);
    // One at a time: a heap with all of them in it is slow.
    const awaitArrival = (index: number) => {
      const arrival = arrivals[index];
      if (!arrival) return;
      const { atMs, sidecar, service, id } = arrival;
      const isCounted = atMs >= 0 && atMs < durationS * 1000;
      this.heap.push(atMs, () => {
        awaitArrival(index + 1);
        this.call(sidecar, service, id, (status) => {
          if (!isCounted) return;
          const request = { atMs, latencyMs: this.nowMs - atMs, status };
          requests.push(request);
          this.isEnough = isEnough?.(request) ?? false;
        });
      });
    };
    awaitArrival(0);
    for (let next = this.next(); next && !this.isEnough; next = this.next()) {
      this.nowMs = next.atMs;
      next.run();
    }
    return { requests, callCount: this.callCount };
  }

  private next() {
    return this.heap.popUntil(Number.POSITIVE_INFINITY);
  }

  /** Numbered as the load generator numbers them. */
  private arrivals(fromMs: number) {
    const { read, seed } = this.options;
    const { scenario, rates } = read;
    return scenario.load
      .flatMap((load, i) => {
        const { zone, service, arrivals } = load;
        const plan = { zone, service, arrivals, rateSteps: rateSteps(scenario, load, rates[i] ?? []) };
        const sidecar = this.gateways.get(zone) ?? '';
        const times = arrivalsOf(plan, scenario.warmupS, chanceOf(seed, `arrivals ${i}`));
        return times.map((atMs) => ({ atMs, sidecar, service }));
      })
      .sort((a, b) => a.atMs - b.atMs)
      .map((arrival, id) => ({ ...arrival, id: String(id) }))
      .filter(({ atMs }) => atMs >= fromMs);
  }

  private addEndpoint(serviceName: string, backendName: string, index: number, sidecar: string): void {
    const service = this.options.read.scenario.services.find(({ name }) => name === serviceName);
    const backend = service?.backends.find(({ name }) => name === backendName);
    if (!service || !backend) return;
    const key = `${serviceName}/${backendName}`;
    const siblings = this.endpoints.get(key) ?? [];
    this.endpoints.set(key, siblings);
    siblings[index] = new SimulatedEndpoint({
      service,
      backend,
      seed: this.options.seed,
      after: (ms, then) => this.after(ms, then),
      makeCalls: (id, chance, done) => this.makeCalls(sidecar, service.calls, id, chance, done),
    });
  }

  private calleesOf(names: readonly string[], zone: string): Callees {
    const { read, weights } = this.options;
    const { services } = read.scenario;
    const drawOf = drawsOf(read.scenario);
    const callees = names.flatMap((name) => {
      const service = services.find((each) => each.name === name);
      if (!service) return [];
      const key = `${name}:${service.port}`;
      const fixed = weights[key]?.[zone] ?? weights[key]?.[EVERYBODY];
      const usual = weightsOf(service);
      const clusters = service.backends.map((backend, i): Cluster => {
        const endpoints = this.endpoints.get(`${name}/${backend.name}`) ?? [];
        return {
          weight: fixed ? (fixed[backend.name] ?? 0) : (usual[i] ?? 0),
          hosts: endpoints.map((endpoint): Host => ({ endpoint, activeCount: 0 })),
          inFlight: 0,
          failuresInRow: 0,
          nextHost: 0,
        };
      });
      const draw = fixed ? (drawOf.get(key) ?? 'plain') : 'plain';
      return [[name, { service, draw, clusters }] as const];
    });
    return new Map(callees);
  }

  /** As Caller.makeCalls: stage after stage, none after one in which a call failed that is not optional. */
  private makeCalls(
    sidecar: string,
    stages: Service['calls'],
    callId: string,
    chance: () => number,
    done: (isOk: boolean) => void,
  ): void {
    let ordinal = 0;
    const play = (index: number): void => {
      const stage = stages[index];
      if (!stage) {
        done(true);
        return;
      }
      const made = stage.flatMap((call) =>
        Array.from({ length: call.count }, () => ({ call, ordinal: ++ordinal, isMade: chance() < call.probability })),
      );
      const left = made.filter(({ isMade }) => isMade);
      let openCount = left.length;
      let isOk = true;
      if (openCount === 0) {
        play(index + 1);
        return;
      }
      const ended = (call: Call, status: number) => {
        if (!isSuccess(status) && !call.optional) isOk = false;
        openCount -= 1;
        if (openCount > 0) return;
        if (isOk) play(index + 1);
        else done(false);
      };
      for (const { call, ordinal: place } of left) {
        this.call(sidecar, call.service, `${callId}.${place}`, (status) => ended(call, status));
      }
    };
    play(0);
  }

  /** One call through a sidecar, with its retries and its timeout. */
  private call(sidecarName: string, serviceName: string, callId: string, done: (status: number) => void): void {
    const sidecar = this.sidecars.get(sidecarName);
    const callee = sidecar?.callees.get(serviceName);
    // Keyed by the call, so that other weights change what is drawn for no other call.
    const chance = chanceOf(this.options.seed, `picks ${callId}`);
    const cluster = callee && pickCluster(callee, chance);
    if (!sidecar || !callee || !cluster) {
      done(UNREACHABLE);
      return;
    }
    const { retries, timeoutMs, loadBalancing } = callee.service;
    cluster.inFlight += 1;
    let isOver = false;
    let abandon = () => {};
    const finish = (status: number) => {
      isOver = true;
      cluster.inFlight -= 1;
      cluster.failuresInRow = status >= 500 ? cluster.failuresInRow + 1 : 0;
      done(status);
    };
    const attempt = (number: number) => {
      if (isOver) return;
      const host = pickHost(cluster, loadBalancing, chance);
      if (!host) return finish(UNREACHABLE);
      abandon = this.send(host, sidecar.zone, callId, number, (status) => {
        if (isSuccess(status) || number > retries) return finish(status);
        const mostMs = Math.min(RETRY_MOST_MS, RETRY_BASE_MS * 2 ** (number - 1));
        this.after(chance() * mostMs, () => attempt(number + 1));
      });
    };
    this.after(timeoutMs, () => {
      if (isOver) return;
      abandon();
      finish(TIMED_OUT);
    });
    attempt(1);
  }

  /** One attempt at one endpoint. @returns gives it up */
  private send(
    host: Host,
    zone: string,
    callId: string,
    number: number,
    answered: (status: number) => void,
  ): () => void {
    const { endpoint } = host;
    let isSettled = false;
    let leave = () => {};
    const settle = () => {
      isSettled = true;
      host.activeCount -= 1;
      endpoint.open.delete(reset);
    };
    const end = (status: number) => {
      if (isSettled) return;
      settle();
      answered(status);
    };
    const reset = () => {
      leave();
      end(UNREACHABLE);
    };
    host.activeCount += 1;
    this.callCount += 1;
    if (endpoint.isDown) {
      end(UNREACHABLE);
      return () => {};
    }
    endpoint.open.add(reset);
    this.cross(zone, endpoint.zone, () => {
      if (isSettled) return;
      leave = endpoint.serve(callId, number, (status) => this.cross(endpoint.zone, zone, () => end(status)));
    });
    return () => {
      if (isSettled) return;
      settle();
      this.cross(zone, endpoint.zone, () => leave());
    };
  }

  private cross(from: string, to: string, then: () => void): void {
    const ms = from === to ? 0 : (this.wireMs.get(`${from} ${to}`) ?? 0);
    if (ms === 0) then();
    else this.after(ms, then);
  }

  private happen({ backend, endpoint, change, heal, wire }: Event): void {
    if (wire) this.setWire(wire.between, wire.oneWayMs);
    for (const [index, each] of (this.endpoints.get(backend ?? '') ?? []).entries()) {
      if (endpoint !== undefined && endpoint !== index) continue;
      if (heal) each.heal();
      else if (change) each.change(change);
    }
  }

  private setWire([a, b]: readonly string[], oneWayMs: number): void {
    this.wireMs.set(`${a} ${b}`, oneWayMs);
    this.wireMs.set(`${b} ${a}`, oneWayMs);
  }

  private after(ms: number, then: () => void): void {
    this.heap.push(this.nowMs + ms, then);
  }
}

function drawsOf(scenario: Scenario): ReadonlyMap<string, 'exact' | 'balanced'> {
  return new Map(routesOf(scenario).map(({ spec }) => [`${spec.host}:${spec.port}`, spec.draw]));
}
