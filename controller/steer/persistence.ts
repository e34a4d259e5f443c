/**
 * How long the difference between backends remembers. A backend that is slow in one second by a shock of its own is often
 * slow in the next, and then seconds are no independent witnesses: on simulated backends whose shocks had a correlation of 0.8
 * from second to second, a trial with a block per second found differences that did not last in 40 of 100 trials of
 * nothing. So a block is as many windows as the last minute's differences say that one independent window is worth:
 *
 *   1 + 2 · Σ r_k,   k = 1 … LAGS     (the variance inflation of a mean of correlated values)
 *
 * with r_k the autocorrelation at lag k. Short histories and rare calls give sums near 0 and so blocks of one window.
 */
import type { Weights } from '../decide/policy.ts';
import { shareOf } from '../decide/weights.ts';
import type { Group } from './service.ts';

const LAGS = 6;
const LEAST_WINDOWS = 20;
const MOST_BLOCK = 10;
/** Below it a variance is what is left of decimals in binary, ms². */
const DUST = 1e-12;

/** Windows that a block of a trial between these weights takes, 1 to MOST_BLOCK. */
export function blockWindows(group: Group, from: Weights, to: Weights): number {
  const series = differences(group, from, to);
  if (series.length < LEAST_WINDOWS) return 1;
  const mean = series.reduce((sum, value) => sum + value, 0) / series.length;
  const centred = series.map((value) => value - mean);
  const productAt = (lag: number) =>
    centred.slice(lag).reduce((sum, value, i) => sum + value * (centred[i] ?? 0), 0) / series.length;
  const variance = productAt(0);
  if (!(variance > DUST)) return 1;
  let worth = 1;
  for (let lag = 1; lag <= LAGS; lag++) {
    const correlation = productAt(lag) / variance;
    // What follows the first that is not positive is noise.
    if (correlation <= 0) break;
    worth += 2 * correlation;
  }
  return Math.min(MOST_BLOCK, Math.max(1, Math.round(worth)));
}

/** Mean loss by `to` minus that by `from`, ms, of each window in which all backends were called whose shares differ. */
function differences({ lanes }: Group, from: Weights, to: Weights): number[] {
  const differing = [...lanes].filter(([name]) => shareOf(to, name) !== shareOf(from, name));
  const count = Math.min(...differing.map(([, { windows }]) => windows.length));
  if (!Number.isFinite(count)) return [];
  return Array.from({ length: count }, (_, i) => i - count).flatMap((at) => {
    let sum = 0;
    for (const [name, { windows }] of differing) {
      const window = windows.at(at);
      if (!window || window.attempts === 0) return [];
      sum += (shareOf(to, name) - shareOf(from, name)) * (window.lossSumMs / window.attempts);
    }
    return sum;
  });
}
