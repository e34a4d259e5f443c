/** Pearson's chi-square test of observed counts against expected shares. */

/**
 * Points of the chi-square distribution by degrees of freedom, from 1, that chance exceeds once in so many times
 * (NIST/SEMATECH e-Handbook, 1.3.6.7.4, for a thousand; the inverse of the incomplete gamma function for a million).
 */
const limits = {
  thousand: [10.828, 13.816, 16.266, 18.467, 20.515, 22.458],
  million: [23.928, 27.631, 30.665, 33.377, 35.888, 38.258],
} as const;

export interface Fit {
  readonly statistic: number;
  readonly limit: number;
}

/**
 * @param expectedShares sum to 1; entries of share 0 must have been observed 0 times and are left out of the sum
 * @param onceIn how seldom right weights may fail: a thousand where chance is seeded, a million where it is real
 */
export function chiSquare(
  observed: readonly number[],
  expectedShares: readonly number[],
  onceIn: keyof typeof limits = 'thousand',
): Fit {
  const total = observed.reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  let classes = 0;
  for (const [i, share] of expectedShares.entries()) {
    const count = observed[i] ?? 0;
    if (share === 0) {
      if (count > 0) statistic = Number.POSITIVE_INFINITY;
      continue;
    }
    classes += 1;
    statistic += (count - total * share) ** 2 / (total * share);
  }
  const limit = limits[onceIn][classes - 2];
  if (limit === undefined)
    throw new RangeError(`${classes} classes are not between 2 and ${limits[onceIn].length + 1}`);
  return { statistic, limit };
}
