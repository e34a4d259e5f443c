/**
 * The nearest shares that keep every backend's bounds: shares are scaled by one common factor and clipped, and the factor
 * is sought at which they sum to 1 (water filling). Proportions stay between all that touch no bound. Where the bounds
 * cannot be met (the route check refuses such) the shares come back unclipped.
 */
import type { BackendView } from './policy.ts';

const ROUNDS = 60;
/** Sums of decimals carry binary dust: 0.7 + 0.2 + 0.1 is below 1. */
const DUST = 1e-9;
/** A wish of nothing must still be able to grow when the others are full. */
const LEAST_WISH = 1e-9;

/** @param wanted shares, 0 to 1, sum 1; what is no number counts as 0 @returns shares that sum to 1 */
export function boundShares(
  wanted: ReadonlyMap<string, number>,
  backends: readonly Pick<BackendView, 'name' | 'minShare' | 'maxShare'>[],
): ReadonlyMap<string, number> {
  const least = backends.reduce((sum, { minShare }) => sum + minShare, 0);
  const most = backends.reduce((sum, { maxShare }) => sum + maxShare, 0);
  if (least > 1 + DUST || most < 1 - DUST) return wanted;
  const wishOf = (name: string) => {
    const wish = wanted.get(name) ?? 0;
    return Number.isFinite(wish) ? Math.max(wish, LEAST_WISH) : LEAST_WISH;
  };
  const clipped = (factor: number) =>
    new Map(
      backends.map(({ name, minShare, maxShare }) => {
        return [name, Math.min(maxShare, Math.max(minShare, wishOf(name) * factor))] as const;
      }),
    );
  const sumAt = (factor: number) => [...clipped(factor).values()].reduce((sum, share) => sum + share, 0);
  let low = 0;
  let high = 1e10;
  for (let round = 0; round < ROUNDS; round++) {
    // Geometric halving: the factor may lie anywhere between a millionth and a billion.
    const middle = low === 0 ? Math.min(1, high / 2) : Math.sqrt(low * high);
    if (sumAt(middle) < 1) low = middle;
    else high = middle;
    if (low === 0 && high < 1e-6) break;
  }
  return clipped(high);
}
