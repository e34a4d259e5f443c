/** How likely counts are by chance alone: exact binomial tails and Wilson's bound. Pure arithmetic. */

/** P(X ≥ `atLeast`) for X ~ Binomial(`trials`, `ratio`). */
export function upperTail(atLeast: number, trials: number, ratio: number): number {
  if (atLeast <= 0) return 1;
  if (atLeast > trials || ratio <= 0) return 0;
  if (ratio >= 1) return 1;
  // Below the mean the tail is most of the mass, and summing it up would be slow and no use to anyone here.
  if (atLeast <= trials * ratio) return 1 - sumFrom(atLeast - 1, -1, trials, ratio);
  return sumFrom(atLeast, 1, trials, ratio);
}

/** P(X ≤ `atMost`) for X ~ Binomial(`trials`, `ratio`). */
export function lowerTail(atMost: number, trials: number, ratio: number): number {
  return upperTail(trials - atMost, trials, 1 - ratio);
}

/**
 * Upper end of Wilson's interval for a ratio (Wilson 1927, "Probable inference, the law of succession, and statistical
 * inference"): what the ratio may well be after `hits` in `trials`; 1 without any.
 */
export function wilsonUpper(hits: number, trials: number, z: number): number {
  if (trials <= 0) return 1;
  const ratio = Math.min(1, Math.max(0, hits / trials));
  const z2 = z * z;
  const middle = ratio + z2 / (2 * trials);
  const spread = z * Math.sqrt((ratio * (1 - ratio)) / trials + z2 / (4 * trials * trials));
  return Math.min(1, (middle + spread) / (1 + z2 / trials));
}

/** Sums probabilities away from the mean, from `start` in steps of `step`, until they no longer matter. */
function sumFrom(start: number, step: 1 | -1, trials: number, ratio: number): number {
  let sum = 0;
  let k = start;
  let term = Math.exp(
    logGamma(trials + 1) -
      logGamma(k + 1) -
      logGamma(trials - k + 1) +
      k * Math.log(ratio) +
      (trials - k) * Math.log1p(-ratio),
  );
  const odds = ratio / (1 - ratio);
  while (k >= 0 && k <= trials) {
    sum += term;
    // Also where the first term is below what a double can hold: those after it are smaller still.
    if (term <= sum * 1e-12) break;
    term *= step === 1 ? ((trials - k) / (k + 1)) * odds : k / (trials - k + 1) / odds;
    k += step;
  }
  return Math.min(1, sum);
}

/** ln Γ(x), x ≥ 1: Stirling's series after shifting x above 10, right to 1e-12. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 10; at++) shift -= Math.log(at);
  const inverse = 1 / at;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return shift + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series;
}
