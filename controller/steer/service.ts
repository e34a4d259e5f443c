/**
 * What is remembered of one steered service: its route and, for each caller group, weights, lanes, trial and holds. Plain
 * state with the few functions that make and grow it; what changes it are the steps beside this file.
 *
 * The group '*' always exists: it serves callers whose zone is not known, and a zone that is seen for the first time starts
 * from what '*' has, pin included.
 */
import { emptyLoss, type LossSum, worstMs } from '../decide/loss.ts';
import { type Moments, noMoments } from '../decide/moments.ts';
import type { Weights } from '../decide/policy.ts';
import { type Lane, newLane, type Yardstick } from '../decide/relief/lane.ts';
import { carryOver, initialWeights } from '../decide/weights.ts';
import type { Decision, NewDecision } from '../decision.ts';
import { type Decayed, newDecayed } from '../graph/decayed.ts';
import { type AdaptiveRoute, type Backend, serviceOf } from '../routes/route.ts';
import type { Trial } from '../trial/trial.ts';
import type { Watch } from '../trial/watch.ts';
import { type Floor, newFloor } from './floor.ts';

export const EVERYBODY = '*';
/** Load averages that a trend is read from, and that a backend's load is compared with. */
const SLOW_HALF_LIFE_MS = 60_000;
/** Earlier weights that a person can go back to. */
export const KEPT_PREVIOUS = 10;
/** A policy is asked this often: what it rests on halves in 10 s, and asking costs most of what a window costs. */
export const ASK_EVERY_MS = 5_000;
/** Zones that one service keeps apart; callers of more share the group '*'. */
const MAX_GROUPS = 64;

export interface Instant {
  /** Monotonic, ms. */
  readonly nowMs: number;
  /** Wall clock, ms since 1970. */
  readonly wallMs: number;
}

/** What a step needs of the world. */
export interface Steps {
  readonly at: Instant;
  decide(decision: NewDecision): Decision;
  warn(event: string, message: string, facts: Readonly<Record<string, unknown>>): void;
  nextTrialId(): number;
}

export interface Hold {
  readonly by: string;
  readonly why: string;
  readonly sinceWallMs: number;
}

export interface Group {
  /** Zone of the callers, or '*'. */
  readonly name: string;
  /** Stable weights, as they are when no backend is relieved. */
  weights: Weights;
  /** Stable weights before each of the last changes, oldest first. */
  previous: Weights[];
  /** By backend name. */
  readonly lanes: Map<string, Lane>;
  /** Latency without a queue, by backend name. */
  readonly floors: Map<string, Floor>;
  /** The window being filled, by arm. */
  trialArm: LossSum;
  stableArm: LossSum;
  /** The window that ended last, both arms. */
  lastWindow: LossSum;
  /** Loss of the last windows, forgetting: what trials compare with. */
  means: Moments;
  /** Calls alone, slow. */
  readonly slowLoad: Decayed;
  pinned: Hold | undefined;
  trial: Trial | undefined;
  watch: Watch | undefined;
  /** No proposal before this. */
  quietUntilMs: number;
  /** The policy is asked again then. */
  askAtMs: number;
  /** Trials in a row that were not kept. */
  fruitless: number;
  /** What was recommended last, so that it is not said again each second. */
  recommended: Weights | undefined;
}

export interface Service {
  /** host:port */
  readonly name: string;
  route: AdaptiveRoute;
  readonly groups: Map<string, Group>;
  frozen: Hold | undefined;
  /** Whether any call of it was measured since the controller started. */
  isMeasured: boolean;
  /** Whether it was said that every backend fails. */
  isAllFailing: boolean;
}

export function newService(route: AdaptiveRoute, at: Instant): Service {
  const groups = new Map<string, Group>();
  const service = { name: serviceOf(route), route, groups, frozen: undefined, isMeasured: false, isAllFailing: false };
  groups.set(EVERYBODY, newGroup(EVERYBODY, initialWeights(route), route, at));
  return service;
}

export function newGroup(name: string, weights: Weights, route: AdaptiveRoute, { nowMs }: Instant): Group {
  return {
    name,
    weights,
    previous: [],
    lanes: new Map(route.spec.backends.map((backend) => [backend.name, newLane(nowMs)])),
    floors: new Map(),
    trialArm: emptyLoss(),
    stableArm: emptyLoss(),
    lastWindow: emptyLoss(),
    means: noMoments(),
    slowLoad: newDecayed(SLOW_HALF_LIFE_MS, nowMs),
    pinned: undefined,
    trial: undefined,
    watch: undefined,
    quietUntilMs: nowMs + route.spec.guard.cooldownS * 1_000,
    askAtMs: nowMs + spreadMs(`${route.spec.host} ${name}`),
    fruitless: 0,
    recommended: undefined,
  };
}

/** Spreads the asking of policies over the windows, by name, so that no window asks for everybody. */
function spreadMs(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % ASK_EVERY_MS;
  return sum;
}

export function floorOf({ floors }: Group, backend: string): Floor {
  const known = floors.get(backend);
  if (known) return known;
  const floor = newFloor();
  floors.set(backend, floor);
  return floor;
}

/** The group of a caller in `zone`, made when it is seen for the first time. */
export function groupFor(service: Service, zone: string, at: Instant): Group | undefined {
  const everybody = service.groups.get(EVERYBODY);
  if (service.route.spec.callerGroup === 'mesh' || zone === '' || !everybody) return everybody;
  const known = service.groups.get(zone);
  if (known) return known;
  if (service.groups.size >= MAX_GROUPS) return everybody;
  const group = newGroup(zone, everybody.weights, service.route, at);
  group.pinned = everybody.pinned;
  service.groups.set(zone, group);
  return group;
}

/** Puts another route in force: lanes of backends that stay are kept, weights carried over. */
export function changeRoute(service: Service, route: AdaptiveRoute, { nowMs }: Instant): void {
  const before = new Map(service.route.spec.backends.map((backend) => [backend.name, backend.cluster]));
  service.route = route;
  for (const group of service.groups.values()) {
    if (route.spec.callerGroup === 'mesh' && group.name !== EVERYBODY) {
      service.groups.delete(group.name);
      continue;
    }
    const names = new Set(route.spec.backends.map(({ name }) => name));
    for (const name of group.lanes.keys()) if (!names.has(name)) group.lanes.delete(name);
    group.floors.clear();
    for (const { name, cluster } of route.spec.backends) {
      // Another cluster under an old name is another backend: what was measured says nothing of it.
      if (before.get(name) !== cluster || !group.lanes.has(name)) group.lanes.set(name, newLane(nowMs));
    }
    if (!isOfBackends(group.weights, route.spec.backends)) {
      group.weights = carryOver(group.weights, route);
      group.previous = [];
    }
    group.watch = undefined;
    group.recommended = undefined;
    group.means = noMoments();
  }
}

/** Whether weights name just these backends. */
export function isOfBackends(weights: Weights, backends: readonly Pick<Backend, 'name'>[]): boolean {
  return Object.keys(weights).length === backends.length && backends.every(({ name }) => weights[name] !== undefined);
}

export function yardstickOf({ spec }: AdaptiveRoute): Yardstick {
  return { worstMs: worstMs(spec.objective.latencyMs), errorBudget: spec.objective.errorBudget };
}

/** Whether a call from the group to the backend stays in its zone; true where either is not known. */
export function isLocal(group: Group, backend: Pick<Backend, 'zone'>): boolean {
  return backend.zone === undefined || group.name === EVERYBODY || backend.zone === group.name;
}

/** What an attempt costs beside its latency, ms. */
export function crossingMs(group: Group, backend: Pick<Backend, 'zone'>, { spec }: AdaptiveRoute): number {
  return isLocal(group, backend) ? 0 : spec.objective.crossZoneCostMs;
}

/** Changes the stable weights and remembers those before. */
export function setWeights(group: Group, weights: Weights): void {
  group.previous.push(group.weights);
  if (group.previous.length > KEPT_PREVIOUS) group.previous.shift();
  group.weights = weights;
}
