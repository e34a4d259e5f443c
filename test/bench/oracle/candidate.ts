/** Weights as the search moves them: for every steered service and caller group, whole numbers out of 10,000. Pure. */
import { serviceOf } from '../../../controller/routes/route.ts';
import { WEIGHT_TOTAL } from '../../../controller/wire/messages.ts';
import { placeSidecars } from '../../../deploy/local/mesh/plan.ts';
import { routesOf } from '../../../deploy/local/scenario/routes.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';
import type { Service } from '../../../deploy/local/scenario/service-schema.ts';
import { EVERYBODY, type FixedWeights } from '../peers/fixed-weights.ts';

/** One vector of weights. */
export interface Lane {
  /** `host:port` */
  readonly key: string;
  readonly service: Service;
  /** Zone of the callers, or '*'. */
  readonly group: string;
}

/** For each lane the weights of its service's backends, in their order. */
export type Candidate = readonly (readonly number[])[];

/** Every steered service by every zone that calls it; one lane where the callers of all zones share weights. */
export function lanesOf(scenario: Scenario): Lane[] {
  const sidecars = placeSidecars(scenario);
  return routesOf(scenario).flatMap((route) => {
    const { host, callerGroup } = route.spec;
    const service = scenario.services.find(({ name }) => name === host);
    const zones = sidecars.filter(({ calls }) => calls.includes(host)).map(({ zone }) => zone);
    if (!service || zones.length === 0) return [];
    const groups = callerGroup === 'mesh' ? [EVERYBODY] : [...new Set(zones)];
    return groups.map((group) => ({ key: serviceOf(route), service, group }));
  });
}

export function weightsOfCandidate(lanes: readonly Lane[], candidate: Candidate): FixedWeights {
  const weights: Record<string, Record<string, Record<string, number>>> = {};
  for (const [i, { key, group, service }] of lanes.entries()) {
    const byBackend = service.backends.map(({ name }, j) => [name, candidate[i]?.[j] ?? 0] as const);
    weights[key] = { ...weights[key], [group]: Object.fromEntries(byBackend) };
  }
  return weights;
}

/** Whole numbers that sum to 10,000, in the ratios of the parts; equal where all parts are 0. */
export function wholeWeights(parts: readonly number[]): number[] {
  const sum = parts.reduce((total, part) => total + part, 0);
  const exact = parts.map((part) => (sum > 0 ? (part / sum) * WEIGHT_TOTAL : WEIGHT_TOTAL / parts.length));
  const whole = exact.map(Math.floor);
  const rest = WEIGHT_TOTAL - whole.reduce((total, weight) => total + weight, 0);
  const byRemainder = exact
    .map((value, i) => ({ i, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder);
  for (const { i } of byRemainder.slice(0, rest)) whole[i] = (whole[i] ?? 0) + 1;
  return whole;
}

/** One backend's weight moved by that much, the others in their ratios; undefined where nothing moves. */
export function moved(weights: readonly number[], index: number, by: number): number[] | undefined {
  const from = weights[index] ?? 0;
  const to = Math.min(WEIGHT_TOTAL, Math.max(0, from + by));
  if (to === from || weights.length < 2) return undefined;
  const others = WEIGHT_TOTAL - from;
  const parts = weights.map((weight, i) => {
    if (i === index) return to;
    const share = others > 0 ? weight / others : 1 / (weights.length - 1);
    return share * (WEIGHT_TOTAL - to);
  });
  return wholeWeights(parts);
}
