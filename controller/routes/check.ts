/**
 * What a schema cannot say of AdaptiveRoutes: that sums are right, orders ascend, names are not used twice and instants
 * exist. A cluster stands for one backend of one service in the whole mesh, because a filter knows a call's place by its
 * cluster alone.
 */

import { subsetsOf } from './clusters.ts';
import type { Problem } from './explain.ts';
import { shown, unknownKey } from './explain.ts';
import type { AdaptiveRoute } from './route.ts';
import { serviceOf } from './route.ts';

const WEIGHT_TOTAL = 10_000;
// Shares are written in decimals; their sums carry binary dust.
const SHARE_DUST = 1e-9;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** What is wrong with one route by itself. `policies`: names that `spec.policy` may have. */
export function checkRoute(route: AdaptiveRoute, policies: readonly string[]): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (path: string, message: string) => problems.push({ path: path.split('.'), message });
  const { spec } = route;

  if (!policies.includes(spec.policy)) {
    const hint = unknownKey([spec.policy], policies).slice(spec.policy.length);
    say('spec.policy', `spec.policy: ${spec.policy}${hint}`);
  }
  checkOrigin(route, say);
  for (const key of ['name', 'cluster'] as const) {
    for (const [first, second] of repeats(spec.backends.map((backend) => backend[key]))) {
      const value = spec.backends[second]?.[key];
      say(
        `spec.backends.${second}.${key}`,
        `spec.backends[${second}].${key} is ${shown(value)}, as in spec.backends[${first}]; each must have its own`,
      );
    }
  }
  checkShares(route, say);
  for (const [index, { scale }] of spec.backends.entries()) {
    if (!scale || scale.minReplicas <= scale.maxReplicas) continue;
    const path = `spec.backends[${index}].scale`;
    say(
      `spec.backends.${index}.scale.minReplicas`,
      `${path}.minReplicas is ${scale.minReplicas}; it must be at most maxReplicas, ${scale.maxReplicas}`,
    );
  }
  for (const [index, freeze] of spec.guard.freezes.entries()) {
    const path = `spec.guard.freezes.${index}`;
    const shownPath = `spec.guard.freezes[${index}]`;
    for (const key of ['from', 'to'] as const) {
      if (!isInstant(freeze[key])) {
        const what = `an RFC 3339 instant, for example 2026-11-27T00:00:00Z`;
        say(`${path}.${key}`, `${shownPath}.${key} is ${shown(freeze[key])}; it must be ${what}`);
      }
    }
    if (Date.parse(freeze.from) >= Date.parse(freeze.to)) {
      say(`${path}.to`, `${shownPath}.to is ${shown(freeze.to)}; it must be later than from, ${shown(freeze.from)}`);
    }
  }
  const { stages } = spec.trial;
  const fallen = stages.findIndex((stage, index) => index > 0 && stage <= (stages[index - 1] ?? 0));
  if (fallen >= 0) {
    say(
      `spec.trial.stages.${fallen}`,
      `spec.trial.stages is ${shown(stages)}; each stage must be above the one before`,
    );
  }
  return problems;
}

/** What two routes may not share. `route` and `owner` are indices into `routes`, `owner` the one that came first. */
export interface Clash {
  readonly route: number;
  readonly owner: number;
  readonly problem: Problem;
}

export function checkTogether(routes: readonly AdaptiveRoute[]): readonly Clash[] {
  const clashes: Clash[] = [];
  const services = new Map<string, number>();
  const clusters = new Map<string, number>();
  const deployments = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const service = serviceOf(route);
    const owner = services.get(service);
    if (owner !== undefined) {
      const message = `spec.host and spec.port name ${service}, which has a route already; a service has one`;
      clashes.push({ route: index, owner, problem: { path: ['spec', 'host'], message } });
      continue;
    }
    services.set(service, index);
    const used = [
      ...route.spec.backends.map((backend, at) => ({ name: backend.cluster, path: `spec.backends.${at}.cluster` })),
      ...route.spec.entryClusters.map((name, at) => ({ name, path: `spec.entryClusters.${at}` })),
    ];
    for (const { name, path } of used) {
      const other = clusters.get(name);
      const isOwnEntry = other === index && path.startsWith('spec.entry');
      if (other === undefined) clusters.set(name, index);
      else if (other !== index || isOwnEntry) {
        const message = `${path.replace(/\.(\d+)/, '[$1]')} is ${shown(name)}, a cluster that is used already; one cluster stands for one backend of one service`;
        clashes.push({ route: index, owner: other, problem: { path: path.split('.'), message } });
      }
    }
    for (const [at, { scale }] of route.spec.backends.entries()) {
      if (!scale) continue;
      const name = `${route.metadata.namespace}/${scale.deployment}`;
      const other = deployments.get(name);
      if (other === undefined) deployments.set(name, index);
      else {
        const message = `spec.backends[${at}].scale.deployment is ${shown(scale.deployment)}, which another backend scales already; a Deployment has one autoscaler`;
        const path = ['spec', 'backends', String(at), 'scale', 'deployment'];
        clashes.push({ route: index, owner: other, problem: { path, message } });
      }
    }
  }
  return clashes;
}

/** Where backends come from, and what those that are Istio's subsets may be called. */
function checkOrigin(route: AdaptiveRoute, say: (path: string, message: string) => void): void {
  const { backends, backendsFrom } = route.spec;
  if (!backendsFrom && backends.length === 0) {
    say('spec.backends', 'spec.backends is empty; name at least one backend, or spec.backendsFrom');
  }
  const { label, destinationRule } = backendsFrom ?? {};
  if (backendsFrom && (label === undefined) === (destinationRule === undefined)) {
    const both = label === undefined ? 'neither' : 'both';
    say('spec.backendsFrom', `spec.backendsFrom names ${both} of label and destinationRule; it must name one`);
  }
  for (const [index, { weight }] of backendsFrom ? backends.entries() : []) {
    if (weight === undefined) continue;
    const message = `spec.backends[${index}].weight: which backends there are is told by spec.backendsFrom, so none can have a weight beforehand; leave it out`;
    say(`spec.backends.${index}.weight`, message);
  }
  const subsets = subsetsOf(route);
  for (const [index, backend] of backends.entries()) {
    if (!backend.name.includes('.') || !subsets.includes(backend)) continue;
    const message = `spec.backends[${index}].name is ${shown(backend.name)}, and Istio knows no subset with a dot in its name; write it without, or name its cluster`;
    say(`spec.backends.${index}.name`, message);
  }
}

function checkShares(route: AdaptiveRoute, say: (path: string, message: string) => void): void {
  const { backends } = route.spec;
  const weights = backends.map((backend) => backend.weight);
  if (weights.some((weight) => weight !== undefined)) {
    const without = weights.indexOf(undefined);
    const sum = weights.reduce<number>((total, weight) => total + (weight ?? 0), 0);
    if (without >= 0) {
      say(`spec.backends.${without}`, `spec.backends[${without}].weight is missing; give every backend one or none`);
    } else if (sum !== WEIGHT_TOTAL) {
      say('spec.backends', `spec.backends: weights sum to ${sum}; they must sum to ${WEIGHT_TOTAL}`);
    }
  }
  for (const [index, { minShare, maxShare }] of backends.entries()) {
    if (minShare > maxShare) {
      const path = `spec.backends[${index}]`;
      say(
        `spec.backends.${index}.minShare`,
        `${path}.minShare is ${minShare}; it must be at most maxShare, ${maxShare}`,
      );
    }
  }
  const least = backends.reduce((sum, backend) => sum + backend.minShare, 0);
  const most = backends.reduce((sum, backend) => sum + backend.maxShare, 0);
  if (least > 1 + SHARE_DUST) {
    say('spec.backends', `spec.backends: minShare sums to ${round(least)}; it must be at most 1`);
  }
  if (backends.length > 0 && most < 1 - SHARE_DUST) {
    say('spec.backends', `spec.backends: maxShare sums to ${round(most)}; it must be at least 1`);
  }
}

function isInstant(text: string): boolean {
  return RFC_3339.test(text) && Number.isFinite(Date.parse(text));
}

/** Pairs of indices at which the same value stands. */
function repeats(values: readonly string[]): [first: number, second: number][] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value);
    return first < index ? [[first, index] as [number, number]] : [];
  });
}

function round(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
