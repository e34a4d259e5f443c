/**
 * The core: everything that Weir decides, and nothing of processes. It is told what happened and when, keeps no clock and opens
 * no socket, so a test runs an hour of it in a second. What it decides goes out through `decide`; what the mesh should
 * do is read from `tables`.
 *
 *   observe   a report: graph, forecasts, lanes and arms of the services that it speaks of
 *   tick      a window ends, for each service:  close ▸ frozen? ▸ relieve ▸ try out ▸ improve
 */
import type { Weights } from './decide/policy.ts';
import { policyNamed } from './decide/registry.ts';
import type { Decision, NewDecision } from './decision.ts';
import { NotMeasured, UnknownBackend, UnknownService } from './errors.ts';
import { Called, type CalledBy } from './graph/called.ts';
import { buildDirectory, type Directory } from './graph/directory.ts';
import { Forecasts } from './graph/forecasts.ts';
import { type GraphView, Mesh } from './graph/mesh.ts';
import { Proxies } from './graph/proxies.ts';
import { Replays } from './graph/replays.ts';
import { Reporting } from './graph/reporting.ts';
import { whyFrozen } from './guard/freezes.ts';
import { type AdaptiveRoute, serviceOf } from './routes/route.ts';
import { type Demand, demandOf } from './steer/demand.ts';
import { tableOf } from './steer/effective.ts';
import { type ByZone, foreseenFor } from './steer/foreseen.ts';
import { improve } from './steer/improve.ts';
import { freeze, pin, revert, unfreeze, unpin } from './steer/manual.ts';
import { type KeyedState, Memory } from './steer/memory.ts';
import { relieve } from './steer/relieve.ts';
import {
  changeRoute,
  EVERYBODY,
  type Group,
  type Instant,
  newService,
  type Service,
  type Steps,
} from './steer/service.ts';
import { type ServiceStatus, statusOf } from './steer/status.ts';
import { endTrial, stepTryOut } from './steer/try-out.ts';
import { closeWindows, observeEdge } from './steer/windows.ts';
import type { Arms } from './trial/strata.ts';
import type { ForecastReport, Report, ServiceTable, Tables } from './wire/messages.ts';

export type { Instant } from './steer/service.ts';

export interface ControllerOptions {
  readonly epoch: number;
  /** How long agents may go on with these tables when the controller is silent. */
  readonly tableTtlMs: number;
  readonly routes: readonly AdaptiveRoute[];
  /** Writes a decision down and numbers it. */
  readonly decide: (decision: NewDecision) => Decision;
  /** What an earlier life left in the store. */
  readonly saved: readonly KeyedState[];
  readonly warn: (event: string, message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** The graph with what the agents foresee. */
export interface GraphReading extends GraphView {
  readonly forecasts: readonly ForecastReport[];
}

export class Controller {
  private readonly options: ControllerOptions;
  private readonly servicesByName = new Map<string, Service>();
  private readonly mesh = new Mesh();
  private readonly calledHosts = new Called();
  private readonly forecasts = new Forecasts();
  private readonly proxies = new Proxies();
  private readonly replays = new Replays();
  private readonly reporting = new Reporting();
  private directory: Directory = new Map();
  private current: Tables;
  private currentText = '';
  private nowMs: number;
  private readonly memory = new Memory();

  constructor(options: ControllerOptions, at: Instant) {
    this.options = options;
    this.nowMs = at.nowMs;
    this.current = { type: 'tables', epoch: options.epoch, number: 1, ttlMs: options.tableTtlMs, services: [] };
    for (const route of options.routes) this.servicesByName.set(serviceOf(route), newService(route, at));
    this.directory = buildDirectory(options.routes);
    this.memory.load([...this.servicesByName.values()], options.saved, this.steps(at));
    this.calledHosts.load(options.saved);
    this.publish();
  }

  /** Takes what one agent measured in one of its windows. */
  observe(report: Report, at: Instant): void {
    if (this.replays.isReplay(report, at.nowMs, at.wallMs)) return;
    this.reporting.observe(report.windowMs, at.nowMs);
    for (const edge of report.edges) {
      this.mesh.observe(edge, report.windowMs, at.nowMs);
      this.calledHosts.observe(edge, at.wallMs);
      const place = this.directory.get(edge.cluster);
      const service = place && this.servicesByName.get(place.service);
      if (service && place.backend !== undefined) observeEdge(service, place.backend, edge, report.windowMs, at);
    }
    for (const forecast of report.forecasts) this.forecasts.observe(forecast, at.nowMs);
    for (const proxy of report.proxies) {
      const { nodeId, silentMs } = proxy;
      const news = this.proxies.observe(proxy, at.nowMs);
      if (news === 'silent') {
        const message = `proxy ${nodeId}, or one worker of it, has sent no samples for ${Math.round(silentMs / 1_000)} s: it ended, or its filter failed and is bypassed; requests there go by the plain routes until a new revision of the plugin`;
        this.options.warn('proxy_silent', message, { nodeId, silentMs, silentProxies: this.proxies.silentCount });
      } else if (news === 'back')
        this.options.warn('proxy_back', `every worker of proxy ${nodeId} sends samples again`, { nodeId });
    }
  }

  /** Ends a window: decides for every service. One that fails does not keep the others from theirs. */
  tick(at: Instant): void {
    this.nowMs = at.nowMs;
    this.forecasts.prune(at.nowMs);
    const foreseen = this.forecasts.byServiceAndZone(this.directory);
    const failures: unknown[] = [];
    for (const service of this.servicesByName.values()) {
      try {
        this.decideFor(service, foreseen.get(service.name), this.steps(at));
      } catch (error) {
        failures.push(error);
      }
    }
    this.mesh.prune(at.nowMs);
    this.calledHosts.prune(at.wallMs);
    this.proxies.prune(at.nowMs);
    this.publish();
    if (failures.length > 0) throw failures[0];
  }

  /** The tables in force: the same object until something in them changes. */
  tables(): Tables {
    return this.current;
  }

  /** Puts other routes in force. Services that stay keep their weights as far as their backends do. */
  setRoutes(routes: readonly AdaptiveRoute[], at: Instant): void {
    const steps = this.steps(at);
    const wanted = new Map(routes.map((route) => [serviceOf(route), route]));
    for (const service of [...this.servicesByName.values()]) {
      if (wanted.has(service.name)) continue;
      for (const group of service.groups.values()) endTrial(service, group, 'aborted', 'its route is gone', steps);
      this.servicesByName.delete(service.name);
      this.sayRoute(service, 'the route is gone: requests go by the plain routes', {}, {}, steps);
    }
    for (const [name, route] of wanted) {
      const service = this.servicesByName.get(name);
      if (!service) {
        const added = newService(route, at);
        this.servicesByName.set(name, added);
        const { weights } = groupOf(added);
        this.sayRoute(added, `the route is new, in mode ${route.spec.mode}`, weights, weights, steps);
      } else if (JSON.stringify(service.route) !== JSON.stringify(route)) this.replaceRoute(service, route, steps);
    }
    this.directory = buildDirectory(routes);
    this.publish();
  }

  /** @param name host:port, or '*' for every service @throws UnknownService */
  freeze(name: string, by: string, why: string, at: Instant): void {
    freeze(this.named(name), by, why, this.steps(at));
    this.publish();
  }

  /** @throws UnknownService, NothingToUndo */
  unfreeze(name: string, by: string, at: Instant): void {
    unfreeze(this.named(name), by, this.steps(at));
    this.publish();
  }

  /** @throws UnknownService, UnknownGroup, BadWeights, NotSteered */
  pin(name: string, group: string, weights: Weights, by: string, why: string, at: Instant): void {
    for (const service of this.named(name)) pin(service, group, weights, by, why, this.steps(at));
    this.publish();
  }

  /** @throws UnknownService, UnknownGroup, NothingToUndo */
  unpin(name: string, group: string, by: string, at: Instant): void {
    for (const service of this.named(name)) unpin(service, group, by, this.steps(at));
    this.publish();
  }

  /** @throws UnknownService, UnknownGroup, NotSteered, NothingToUndo */
  revert(name: string, group: string, by: string, at: Instant): void {
    for (const service of this.named(name)) revert(service, group, by, this.steps(at));
    this.publish();
  }

  graph(): GraphReading {
    return { ...this.mesh.view(this.directory, this.nowMs), forecasts: this.forecasts.all() };
  }

  /** The routes in force. */
  routes(): readonly AdaptiveRoute[] {
    return [...this.servicesByName.values()].map(({ route }) => route);
  }

  /** Which hosts each workload has called, as far back as it is known. */
  called(): readonly CalledBy[] {
    return this.calledHosts.all();
  }

  services(at: Instant): readonly ServiceStatus[] {
    const foreseen = this.forecasts.byServiceAndZone(this.directory);
    return [...this.servicesByName.values()].flatMap((service) => statusesOf(service, foreseen.get(service.name), at));
  }

  /** What one backend is to be ready for. @throws UnknownService, UnknownBackend, NotMeasured */
  demand(name: string, backend: string, at: Instant): Demand {
    const service = this.servicesByName.get(name);
    if (!service) throw new UnknownService(name, [...this.servicesByName.keys()]);
    const known = service.route.spec.backends.map((each) => each.name);
    if (!known.includes(backend)) throw new UnknownBackend(name, backend, known);
    const foreseen = this.forecasts.byServiceAndZone(this.directory).get(name);
    const isKnown = service.isMeasured || foreseen !== undefined;
    const why = this.reporting.whyUnsettled(at.nowMs) ?? (isKnown ? undefined : 'no call of it was seen yet');
    if (why !== undefined) throw new NotMeasured(name, why);
    return demandOf(statusesOf(service, foreseen, at), backend, this.forecasts.aheadMs(name, this.directory));
  }

  /** What must survive a restart, as JSON values by key. */
  states(at: Instant): readonly KeyedState[] {
    return [...this.memory.save([...this.servicesByName.values()], at), ...this.calledHosts.states()];
  }

  private decideFor(service: Service, foreseen: ByZone | undefined, steps: Steps): void {
    const arms = closeWindows(service, steps.at);
    const frozen = whyFrozen(service.route, service.frozen, steps.at.wallMs);
    const { mode, policy: policyName } = service.route.spec;
    relieve(service, mode === 'enforce' && !frozen, steps);
    if (frozen) {
      for (const group of service.groups.values())
        endTrial(service, group, 'aborted', `weights are frozen: ${frozen.why}`, steps);
      return;
    }
    const policy = policyNamed(policyName);
    for (const group of service.groups.values()) {
      stepTryOut(service, group, arms.get(group.name) ?? NO_ARMS, steps);
      improve(service, group, policy, foreseenFor(service, group, foreseen), steps);
    }
  }

  private replaceRoute(service: Service, route: AdaptiveRoute, steps: Steps): void {
    for (const group of service.groups.values()) endTrial(service, group, 'aborted', 'its route changed', steps);
    const from = groupOf(service).weights;
    changeRoute(service, route, steps.at);
    this.sayRoute(service, `the route changed, mode ${route.spec.mode}`, from, groupOf(service).weights, steps);
  }

  private sayRoute(service: Service, why: string, from: Weights, to: Weights, { at, decide }: Steps): void {
    decide({
      atMs: at.wallMs,
      kind: 'route',
      service: service.name,
      group: EVERYBODY,
      by: 'route',
      from,
      to,
      why,
      evidence: {},
    });
  }

  private steps(at: Instant): Steps {
    return { at, decide: this.options.decide, warn: this.options.warn, nextTrialId: () => this.memory.nextTrialId() };
  }

  private named(name: string): readonly Service[] {
    if (name === EVERYBODY) return [...this.servicesByName.values()];
    const service = this.servicesByName.get(name);
    if (service) return [service];
    throw new UnknownService(name, [...this.servicesByName.keys()]);
  }

  /** Makes new tables when something in them changed. */
  private publish(): void {
    const services = [...this.servicesByName.values()].flatMap((service) =>
      [...service.groups.values()].flatMap((group): ServiceTable[] => {
        const table = tableOf(service, group);
        return table ? [table] : [];
      }),
    );
    const text = JSON.stringify(services);
    if (text === this.currentText) return;
    const isFirst = this.currentText === '';
    this.currentText = text;
    this.current = { ...this.current, number: isFirst ? 1 : this.current.number + 1, services };
  }
}

const NO_ARMS: Arms = {
  trial: { attempts: 0, failures: 0, lossSumMs: 0 },
  stable: { attempts: 0, failures: 0, lossSumMs: 0 },
  byBackend: new Map(),
};

function statusesOf(service: Service, foreseen: ByZone | undefined, at: Instant): readonly ServiceStatus[] {
  return [...service.groups.values()].map((group) =>
    statusOf(service, group, foreseenFor(service, group, foreseen), at),
  );
}

function groupOf(service: Service): Group {
  const group = service.groups.get(EVERYBODY);
  if (!group) throw new Error(`${service.name} has no group '${EVERYBODY}'`);
  return group;
}
