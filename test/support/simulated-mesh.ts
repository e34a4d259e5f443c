/**
 * A mesh of one service for tests of the controller's core: callers of several zones draw by the tables in force, backends
 * answer with log-normal latency and an error ratio, and each second becomes one report per zone, as an agent would send it.
 * No queues: a backend is as fast as it is told to be. Seeded, so each run is the same.
 */
import { Controller, type ControllerOptions } from '../../controller/controller.ts';
import type { Weights } from '../../controller/decide/policy.ts';
import type { Decision, NewDecision } from '../../controller/decision.ts';
import { parseRoutes } from '../../controller/routes/parse.ts';
import type { AdaptiveRoute } from '../../controller/routes/route.ts';
import type { EdgeReport, Report, ServiceTable } from '../../controller/wire/messages.ts';
import { HandClock } from './clock.ts';
import { seeded } from './random.ts';

export interface SimulatedBackend {
  meanMs: number;
  /** Spread of the log-normal. */
  sigma: number;
  errorRatio: number;
}

export interface Warning {
  readonly event: string;
  readonly message: string;
}

export const SERVICE = 'search.demo:8080';

export function routeOf(names: readonly string[], spec = ''): AdaptiveRoute {
  const backends = names.map((name) => `    - { name: ${name}, cluster: search-${name} }`).join('\n');
  const text = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: demo }
spec:
  host: search.demo
  port: 8080
  objective: { latencyMs: 100 }
${spec}
  backends:
${backends}
`;
  const [route] = parseRoutes(text, 'test.yaml');
  if (!route) throw new Error('the route of the test is empty');
  return route;
}

export class SimulatedMesh {
  readonly clock = new HandClock();
  readonly decisions: Decision[] = [];
  readonly warnings: Warning[] = [];
  readonly backends: Record<string, SimulatedBackend>;
  /** Requests per second by zone. */
  readonly loadRps: Record<string, number>;
  /** Calls of the last second by backend. */
  calls: Record<string, number> = {};
  controller: Controller;
  private readonly random = seeded(1);
  private sequence = 0;
  private epoch = 1;

  constructor(route: AdaptiveRoute, loadRps: Record<string, number>, seed = 1) {
    this.random = seeded(seed);
    this.loadRps = loadRps;
    this.backends = Object.fromEntries(
      route.spec.backends.map(({ name }) => [name, { meanMs: 10, sigma: 0.4, errorRatio: 0 }]),
    );
    this.controller = this.start([route], []);
  }

  /** Lets seconds pass. */
  run(seconds: number, each: (second: number) => void = () => {}): void {
    for (let second = 1; second <= seconds; second++) {
      this.clock.advance(1_000);
      for (const zone of Object.keys(this.loadRps)) this.controller.observe(this.reportOf(zone), this.at());
      this.controller.tick(this.at());
      each(second);
    }
  }

  /** Lets seconds pass until a trial runs. */
  runToTrial(): void {
    for (let second = 0; !this.table()?.trialId; second++) {
      if (second > 300)
        throw new Error(`no trial began in 300 s: ${JSON.stringify(this.controller.services(this.at()))}`);
      this.run(1);
    }
  }

  /** A new controller with what the one before would have left in its store, or with something else. */
  restart(
    routes: readonly AdaptiveRoute[],
    saved: ControllerOptions['saved'] = this.controller.states(this.at()),
  ): void {
    this.epoch += 1;
    this.controller = this.start(routes, JSON.parse(JSON.stringify(saved)));
  }

  at(): { nowMs: number; wallMs: number } {
    return { nowMs: this.clock.nowMs(), wallMs: this.clock.wallMs() };
  }

  /** Weights of a group's stable arm, as the tables say. */
  weights(group = '*'): Weights {
    return Object.fromEntries((this.table(group)?.backends ?? []).map(({ name, weight }) => [name, weight]));
  }

  share(backend: string, group = '*'): number {
    return (this.weights(group)[backend] ?? 0) / 10_000;
  }

  table(group = '*'): ServiceTable | undefined {
    return this.controller.tables().services.find((table) => table.group === group);
  }

  kinds(): string[] {
    return this.decisions.map(({ kind, verdict }) => (verdict ? `${kind} ${verdict}` : kind));
  }

  reportOf(zone: string): Report {
    this.sequence += 1;
    const { services } = this.controller.tables();
    const table = services.find(({ group }) => group === zone) ?? services.find(({ group }) => group === '*');
    const names = Object.keys(this.backends);
    const plain = Object.fromEntries(names.map((name) => [name, 10_000 / names.length]));
    const stable = table ? Object.fromEntries(table.backends.map(({ name, weight }) => [name, weight])) : plain;
    const trial = table
      ? Object.fromEntries(table.backends.map(({ name, trialWeight }) => [name, trialWeight]))
      : plain;
    const edges = new Map<string, EdgeReport & { latency: number[]; outcomes: number[] }>();
    this.calls = {};
    for (let left = poisson(this.loadRps[zone] ?? 0, this.random); left > 0; left--) {
      const isTrial = this.random() * 10_000 < (table?.trialShare ?? 0);
      const backend = this.draw(isTrial ? trial : stable);
      this.calls[backend] = (this.calls[backend] ?? 0) + 1;
      const key = `${backend} ${isTrial}`;
      const edge = edges.get(key) ?? this.edge(zone, backend, isTrial ? (table?.trialId ?? 0) : 0);
      edges.set(key, edge);
      this.call(edge, backend);
    }
    const windowStartMs = this.clock.wallMs() - 1_000;
    const base = { type: 'report' as const, sequence: this.sequence, windowStartMs, windowMs: 1_000, lostReports: 0 };
    return { ...base, edges: [...edges.values()], forecasts: [], proxies: [] };
  }

  private start(routes: readonly AdaptiveRoute[], saved: ControllerOptions['saved']): Controller {
    return new Controller(
      {
        epoch: this.epoch,
        tableTtlMs: 60_000,
        routes,
        saved,
        decide: (decision: NewDecision) => {
          const numbered = { ...decision, id: this.decisions.length + 1 };
          this.decisions.push(numbered);
          return numbered;
        },
        warn: (event, message) => this.warnings.push({ event, message }),
      },
      this.at(),
    );
  }

  private edge(zone: string, backend: string, trialId: number): EdgeReport & { latency: number[]; outcomes: number[] } {
    return {
      caller: { workload: 'web', namespace: 'demo', zone, node: `node-${zone}` },
      cluster: `search-${backend}`,
      arm: trialId > 0 ? 'trial' : 'stable',
      trialId,
      outcomes: [0, 0, 0, 0, 0, 0],
      retries: 0,
      inFlight: 0,
      latencySumUs: 0,
      latency: [],
    };
  }

  private call(edge: EdgeReport & { latency: number[]; outcomes: number[] }, backend: string): void {
    const { meanMs, sigma, errorRatio } = this.backends[backend] ?? { meanMs: 10, sigma: 0, errorRatio: 0 };
    if (this.random() < errorRatio) {
      edge.outcomes[3] = (edge.outcomes[3] ?? 0) + 1;
      return;
    }
    edge.outcomes[0] = (edge.outcomes[0] ?? 0) + 1;
    const us = meanMs * 1_000 * Math.exp(sigma * gaussian(this.random) - (sigma * sigma) / 2);
    edge.latency.push(Math.round(us), 1);
    edge.latencySumUs += Math.round(us);
  }

  private draw(weights: Weights): string {
    let left = this.random() * 10_000;
    for (const [name, weight] of Object.entries(weights)) {
      left -= weight;
      if (left < 0) return name;
    }
    return Object.keys(weights)[0] ?? '';
  }
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Knuth's for small means; a rounded normal above 50, which is near enough for a load. */
function poisson(mean: number, random: () => number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(random)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}
