/** Shares (0 to 1, any sum) to weights (integers that sum to 10,000) and back. */
import type { AdaptiveRoute } from '../routes/route.ts';
import { WEIGHT_TOTAL } from '../wire/messages.ts';
import type { Weights } from './policy.ts';

/**
 * Largest remainder: everyone gets the whole part of his due, the units left over go to the largest fractions, ties by
 * name, so that the order of backends means nothing. Shares need not sum to 1; when none is above 0 all get the same.
 */
export function toWeights(shares: ReadonlyMap<string, number>): Weights {
  const usable = [...shares].map(([name, share]) => ({ name, share: Number.isFinite(share) ? Math.max(0, share) : 0 }));
  const total = usable.reduce((sum, { share }) => sum + share, 0);
  const dues = usable.map(({ name, share }) => {
    const exact = (total > 0 ? share / total : 1 / usable.length) * WEIGHT_TOTAL;
    // Dust of the sums before would decide between equals.
    const due = Math.round(exact * 1e6) / 1e6;
    return { name, whole: Math.floor(due), rest: due - Math.floor(due) };
  });
  let left = WEIGHT_TOTAL - dues.reduce((sum, { whole }) => sum + whole, 0);
  for (const due of [...dues].sort((a, b) => b.rest - a.rest || (a.name < b.name ? -1 : 1))) {
    if (left <= 0) break;
    due.whole += 1;
    left -= 1;
  }
  return Object.fromEntries(dues.map(({ name, whole }) => [name, whole]));
}

/** 0 to 1 */
export function shareOf(weights: Weights, name: string): number {
  return has(weights, name) ? (weights[name] ?? 0) / WEIGHT_TOTAL : 0;
}

/** What the route starts with: its weights, or all equal. */
export function initialWeights(route: AdaptiveRoute): Weights {
  return toWeights(new Map(route.spec.backends.map(({ name, weight }) => [name, weight ?? 1])));
}

/**
 * Weights after the set of backends changed. Who stays keeps its proportion. Who is new starts at the route's weight, or,
 * where the route gives none, at its least share and no less than the probe share (or an equal part, if that is less): it
 * has shown nothing yet, but a backend without calls would never be measured.
 */
export function carryOver(old: Weights, route: AdaptiveRoute): Weights {
  const { backends, guard } = route.spec;
  const newcomers = backends.filter(({ name }) => !has(old, name));
  const stayers = backends.filter(({ name }) => has(old, name));
  const kept = stayers.reduce((sum, { name }) => sum + shareOf(old, name), 0);
  if (kept <= 0) return initialWeights(route);
  const probeShare = Math.min(guard.probeShare, 1 / backends.length);
  const given = new Map(
    newcomers.map(({ name, weight, minShare }) => [
      name,
      weight === undefined ? Math.max(minShare, probeShare) : weight / WEIGHT_TOTAL,
    ]),
  );
  const left = Math.max(0, 1 - [...given.values()].reduce((sum, share) => sum + share, 0));
  return toWeights(new Map(backends.map(({ name }) => [name, given.get(name) ?? (shareOf(old, name) / kept) * left])));
}

export function isSame(a: Weights, b: Weights): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => has(b, name) && a[name] === b[name]);
}

/** Largest change of one share, 0 to 1. */
export function largestMove(from: Weights, to: Weights): number {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return Math.max(0, ...[...names].map((name) => Math.abs(shareOf(to, name) - shareOf(from, name))));
}

/** A backend may be called `constructor`, which every object seems to have. */
function has(weights: Weights, name: string): boolean {
  return Object.hasOwn(weights, name);
}
