/** Mean and variance of a series of window means, forgetting or not, and whether one series is worse than another. */

export interface Moments {
  /** Windows, decayed. */
  count: number;
  meanMs: number;
  /** Sum of squared deviations. */
  squaresMs2: number;
}

export function noMoments(): Moments {
  return { count: 0, meanMs: 0, squaresMs2: 0 };
}

/** Welford's update; `kept` (0 to 1) of what was there before counts on. */
export function addMean(to: Moments, meanMs: number, kept = 1): void {
  const before = to.count * kept;
  const count = before + 1;
  const delta = meanMs - to.meanMs;
  to.squaresMs2 = to.squaresMs2 * kept + (delta * delta * before) / count;
  to.meanMs += delta / count;
  to.count = count;
}

export interface Comparison {
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Standard errors between the two; positive: after is worse. */
  readonly deviations: number;
}

const LEAST_WINDOWS = 5;
/**
 * Windows that follow each other are alike, so their standard error is too small, and five of them tell little of it: four
 * are asked for, beside the effect's size. In a simulation of 1,500 trials in which nothing changed, windows that correlate by
 * 0.7 gave one false alarm in 40 to 90 trials, by 0.9 one in 7 to 20; the price of one is a trial to repeat. The right
 * Student quantile would halve that and miss half of the harm that eight windows can show.
 */
const BEYOND_CHANCE = 4;

/** Welch's comparison of two series of windows; nothing while either has fewer than five. */
export function compare(before: Moments, after: Moments): Comparison | undefined {
  if (before.count < LEAST_WINDOWS || after.count < LEAST_WINDOWS) return undefined;
  const errorOf = ({ count, squaresMs2 }: Moments) => squaresMs2 / (count - 1) / count;
  const standardError = Math.sqrt(errorOf(before) + errorOf(after));
  const differenceMs = after.meanMs - before.meanMs;
  const deviations = differenceMs === 0 ? 0 : differenceMs / Math.max(standardError, 1e-9);
  return { beforeMs: before.meanMs, afterMs: after.meanMs, deviations };
}

/** @param leastFactor 1.2: at least a fifth worse, too */
export function isWorse(comparison: Comparison | undefined, leastFactor: number): comparison is Comparison {
  return (
    comparison !== undefined &&
    comparison.deviations >= BEYOND_CHANCE &&
    comparison.afterMs >= comparison.beforeMs * leastFactor
  );
}

export function isBetter(comparison: Comparison | undefined): comparison is Comparison {
  return comparison !== undefined && comparison.deviations <= -BEYOND_CHANCE;
}
