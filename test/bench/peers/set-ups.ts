/**
 * What is compared: the ways to choose a backend, by name. All run the same scenario with the same seed in the same Envoys;
 * they differ in how calls to services that have a route are balanced, and in nothing else. Pure.
 */
import { policyNames } from '../../../controller/decide/registry.ts';
import { nearest } from '../../../controller/routes/nearest.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import type { SharedCluster } from '../../../deploy/local/envoy/shared-cluster.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';
import { type FixedWeights, withFixedWeights } from './fixed-weights.ts';

export interface SetUp {
  readonly name: string;
  /** Whether ratios of others are taken to it. */
  readonly isPeer: boolean;
  /** Whether filter, agents and a controller run. */
  readonly isSteered: boolean;
  /** Of the warm-up at most so much is played, s: by then it has settled. Weir learns for as long as it may. */
  readonly settlesS: number;
  readonly shared?: SharedCluster;
  /** Program in the controller's place, in the build; absent: the controller. */
  readonly controllerFile?: string;
  /** Policy put into every route; absent: the routes as the scenario has them. */
  readonly policy?: string;
  /** Only the first so many repeats are run; absent: all. */
  readonly repeats?: number;
  /** Weights that stay, told by the program in the controller's place; found anew for each scenario. */
  readonly weights?: FixedWeights;
}

/** Connections are open, queues as long as they get, ejections made. */
const PLAIN_SETTLES_S = 4;
/** Averages whose half-lives are seconds, but for the load's, which only tells a crowd from a habit. */
const L3_SETTLES_S = 12;

/** Fixed weights that a search found for the scenario: no way to steer, but what is left to win. */
export const ORACLE = 'oracle';

const plain = { isPeer: true, isSteered: false, settlesS: PLAIN_SETTLES_S } as const;
const weir = { isPeer: false, isSteered: true, settlesS: Number.POSITIVE_INFINITY } as const;
const leastRequest = { lbPolicy: 'LEAST_REQUEST', hasOutlierDetection: false, isByZone: false } as const;

/** What `--all` runs, in this order. */
export const setUps: readonly SetUp[] = [
  { name: 'static', ...plain },
  { name: 'round-robin', ...plain, shared: { ...leastRequest, lbPolicy: 'ROUND_ROBIN' } },
  { name: 'least-request', ...plain, shared: leastRequest },
  { name: 'least-request-od', ...plain, shared: { ...leastRequest, hasOutlierDetection: true } },
  { name: 'locality-od', ...plain, shared: { ...leastRequest, hasOutlierDetection: true, isByZone: true } },
  {
    name: 'inverse-latency',
    isPeer: true,
    isSteered: true,
    settlesS: L3_SETTLES_S,
    controllerFile: 'test/bench/peers/l3-main.js',
  },
  { name: 'weir', ...weir },
  {
    name: ORACLE,
    isPeer: false,
    isSteered: true,
    settlesS: PLAIN_SETTLES_S,
    controllerFile: 'test/bench/peers/oracle-main.js',
    repeats: 1,
  },
];

export const setUpNames: readonly string[] = setUps.map(({ name }) => name);

/** Those above, and every policy of the registry as `weir:NAME`, or by its bare name where that is not a peer's. */
export function setUpNamed(name: string): SetUp {
  const known = setUps.find((setUp) => setUp.name === name);
  if (known) return known;
  const policy = name.replace(/^weir:/, '');
  if (policyNames.includes(policy)) return { name, ...weir, policy };
  const all = [...setUpNames, ...policyNames.map((each) => `weir:${each}`)];
  const near = nearest(name, all);
  const hint = near === undefined ? `known are ${all.join(', ')}` : `did you mean ${near}?`;
  throw new Error(`--policies has ${name}, which is not known; ${hint}`);
}

/** The scenario with the policy or the fixed weights of the set-up in every route. */
export function scenarioFor(scenario: Scenario, { policy, weights }: SetUp): Scenario {
  if (weights !== undefined) return withFixedWeights(scenario, weights);
  if (policy === undefined) return scenario;
  const withPolicy = (route: AdaptiveRoute): AdaptiveRoute => ({ ...route, spec: { ...route.spec, policy } });
  return {
    ...scenario,
    services: scenario.services.map((service) =>
      service.steered || service.route ? { ...service, route: { ...service.route, policy } } : service,
    ),
    routes: scenario.routes.map(withPolicy),
  };
}
