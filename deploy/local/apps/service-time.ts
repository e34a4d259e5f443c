/** Draws service times. Pure; `random` gives numbers from 0 to 1. */
import type { ServiceTime } from '../scenario/service-schema.ts';

/** 99 % point of the standard normal distribution. */
const Z99 = 2.326348;

/** One service time in ms. */
export function drawServiceMs(time: ServiceTime, random: () => number): number {
  switch (time.kind) {
    case 'constant':
      return time.meanMs;
    case 'uniform':
      return time.meanMs + (2 * random() - 1) * (time.spreadMs ?? 0);
    case 'exponential':
      return -time.meanMs * Math.log(1 - random());
    case 'lognormal': {
      const sigma = lognormalSigma(time.p99Ms === undefined ? DEFAULT_P99_RATIO : time.p99Ms / time.meanMs);
      // The mean of a log-normal distribution is exp(mu + sigma² / 2).
      return time.meanMs * Math.exp(sigma * normal(random) - sigma ** 2 / 2);
    }
  }
}

/** p99Ms over meanMs where a scenario does not say. */
export const DEFAULT_P99_RATIO = 3;

/** Sigma for which the 99th percentile is `ratio` times the mean: the smaller root of z·σ − σ²/2 = ln(ratio). */
export function lognormalSigma(ratio: number): number {
  return Z99 - Math.sqrt(Z99 ** 2 - 2 * Math.log(ratio));
}

// Box and Muller.
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
