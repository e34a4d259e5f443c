/**
 * What is compared: the ways to choose a backend, by name. All run the same scenario with the same seed in the same Envoys;
 * they differ in how calls to services that have a route are balanced, and in nothing else. Pure.
 */
import { policyNames } from '../../../controller/decide/registry.ts';
import { nearest } from '../../../controller/routes/nearest.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import type { SharedCluster } from '../../../deploy/local/envoy/shared-cluster.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';

export interface SetUp {
  readonly name: string;
  /** Whether ratios of others are taken to it. */
  readonly isPeer: boolean;
  /** Whether filter, agents and a controller run. */
  readonly isSteered: boolean;
  /** Whether it needs the whole warm-up to learn in; the others have settled within seconds. */
  readonly hasMemory: boolean;
  readonly shared?: SharedCluster;
  readonly isL3?: boolean;
  /** Policy put into every route; absent: the routes as the scenario has them. */
  readonly policy?: string;
}

const plain = { isPeer: true, isSteered: false, hasMemory: false } as const;
const weir = { isPeer: false, isSteered: true, hasMemory: true } as const;
const leastRequest = { lbPolicy: 'LEAST_REQUEST', hasOutlierDetection: false, isByZone: false } as const;

/** What `--all` runs, in this order. */
export const setUps: readonly SetUp[] = [
  { name: 'static', ...plain },
  { name: 'round-robin', ...plain, shared: { ...leastRequest, lbPolicy: 'ROUND_ROBIN' } },
  { name: 'least-request', ...plain, shared: leastRequest },
  { name: 'least-request-od', ...plain, shared: { ...leastRequest, hasOutlierDetection: true } },
  { name: 'locality-od', ...plain, shared: { ...leastRequest, hasOutlierDetection: true, isByZone: true } },
  { name: 'inverse-latency', isPeer: true, isSteered: true, hasMemory: true, isL3: true },
  { name: 'weir', ...weir },
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

/** The scenario with the policy of the set-up in every route. */
export function scenarioFor(scenario: Scenario, { policy }: SetUp): Scenario {
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
