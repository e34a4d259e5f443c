/**
 * Finds the season of a series: the lag at which it resembles itself most, by autocorrelation (Hyndman and Athanasopoulos,
 * FPP3, section 2.8). The trend is taken out first, by differences from a straight line, or every growing series would
 * resemble itself at every lag.
 *
 * It costs about n² / 3 multiplications: 0.7 ms for the longest history, on the two cores of our build machine.
 */

/** Shorter seasons are noise, or are followed well enough by the level. */
const MIN_SEASON = 4;
const MIN_WINDOWS = 4 * MIN_SEASON;
/** Autocorrelation that a season must reach. White noise of n values stays below 2/√n at 19 lags of 20. */
const MIN_CORRELATION = 0.5;
/** Of two peaks nearly as high the shorter is the season, the longer a multiple of it. */
const NEARLY = 0.9;

/**
 * @param values oldest first
 * @returns windows, MIN_SEASON to half of what there is; 0 when no season stands out
 */
export function findSeason(values: Float64Array): number {
  const lags = Math.floor(values.length / 2);
  if (values.length < MIN_WINDOWS) return 0;
  const around = detrended(values);
  const energy = dot(around, 0);
  if (!(energy > 0)) return 0;
  // Each sum over the pairs that there are, so that long lags are not made small by having fewer.
  const correlationAt = (lag: number) => (dot(around, lag) / (around.length - lag)) * (around.length / energy);
  const correlations = Array.from({ length: lags + 2 }, (_, lag) => correlationAt(lag));
  const peaks: { lag: number; height: number }[] = [];
  for (let lag = MIN_SEASON; lag <= lags; lag++) {
    const height = correlations[lag] ?? 0;
    // A peak, not the slope that every smooth series has at small lags.
    const isPeak = height >= (correlations[lag - 1] ?? 0) && height > (correlations[lag + 1] ?? 0);
    if (isPeak && height >= MIN_CORRELATION) peaks.push({ lag, height });
  }
  const highest = peaks.reduce((most, { height }) => Math.max(most, height), 0);
  return peaks.find(({ height }) => height >= NEARLY * highest)?.lag ?? 0;
}

/** Distances from the straight line that fits best. */
function detrended(values: Float64Array): Float64Array {
  const count = values.length;
  const middle = (count - 1) / 2;
  let sum = 0;
  let slopeSum = 0;
  for (let i = 0; i < count; i++) {
    sum += values[i] ?? 0;
    slopeSum += (i - middle) * (values[i] ?? 0);
  }
  const mean = sum / count;
  // Σ (i - middle)² over 0 … count-1.
  const slope = slopeSum / ((count * (count * count - 1)) / 12);
  return values.map((value, i) => value - mean - slope * (i - middle));
}

/** Sum of products of values `lag` apart; in four sums at once, for which a processor need not wait in turn. */
function dot(values: Float64Array, lag: number): number {
  const pairs = values.length - lag;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < pairs; i += 4) {
    a += (values[i] ?? 0) * (values[i + lag] ?? 0);
    b += (values[i + 1] ?? 0) * (values[i + 1 + lag] ?? 0);
    c += (values[i + 2] ?? 0) * (values[i + 2 + lag] ?? 0);
    d += (values[i + 3] ?? 0) * (values[i + 3 + lag] ?? 0);
  }
  for (; i < pairs; i++) a += (values[i] ?? 0) * (values[i + lag] ?? 0);
  return a + b + c + d;
}
