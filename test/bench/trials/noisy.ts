/**
 * A noisy service for A/A trials: log-normal service times with a deviation of 1.3 means, one call in a hundred an error, and
 * every other second all of it slower or faster by up to a third. Its callers stand in zones, each of which is a
 * caller group with trials of its own. The policy `equal` always wants to leave 95 to 5, so trials follow each other. Pure.
 */
import { parseScenario } from '../../../deploy/local/scenario/parse.ts';
import type { Event, Scenario } from '../../../deploy/local/scenario/schema.ts';
import { seeded } from '../../support/random.ts';

/** Load of each trial. */
export const RPS = 100;
/** The default length of a trial, and what passes until the next begins: cool-down, doubled once, and the policy's turn. */
const TRIAL_S = 120;
const BETWEEN_S = 20;
const SHOCK_EVERY_S = 2;
const MOST_SHOCK = 1 / 3;
const WARMUP_S = 10;

/** @param zones trials that run side by side @param rounds trials of each, one after the other */
export function noisyScenario(zones: number, rounds: number, seed: number): Scenario {
  const names = Array.from({ length: zones }, (_, i) => `zone-${i + 1}`);
  const durationS = rounds * (TRIAL_S + BETWEEN_S);
  const scenario = parseScenario(textOf(names, durationS, seed), 'noisy');
  return { ...scenario, events: shocks(durationS, seed) };
}

function textOf(zones: readonly string[], durationS: number, seed: number): string {
  const backend = (name: string, weight: number) =>
    `      - { name: ${name}, zone: zone-1, weight: ${weight}, concurrency: 500, errorRatio: 0.01, serviceTime: { meanMs: 30, p99Ms: 190 } }`;
  return `name: noisy
seed: ${seed}
durationS: ${durationS}
warmupS: ${WARMUP_S}
targetMs: 500
zones: [${zones.join(', ')}]
nodes:
${zones.map((zone) => `  - { name: node-${zone}, zone: ${zone} }`).join('\n')}
services:
  - name: search
    route:
      policy: equal
      objective: { latencyMs: 100, errorBudget: 0.02 }
      guard: { maxStep: 0.5, cooldownS: 5 }
    backends:
${backend('v1', 9500)}
${backend('v2', 500)}
load:
${zones.map((zone) => `  - { zone: ${zone}, service: search, phases: [{ rps: ${RPS} }] }`).join('\n')}
`;
}

/** Both backends alike, so that the arms share it. */
function shocks(durationS: number, seed: number): Event[] {
  const random = seeded(seed);
  return Array.from({ length: Math.floor(durationS / SHOCK_EVERY_S) }, (_, i) => {
    const serviceTimeMultiplier = 1 + MOST_SHOCK * (2 * random() - 1);
    const atS = i * SHOCK_EVERY_S;
    return ['v1', 'v2'].map((name) => ({ atS, backend: `search/${name}`, change: { serviceTimeMultiplier } }));
  }).flat();
}
