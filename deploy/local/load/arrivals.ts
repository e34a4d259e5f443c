/**
 * Arrival times, fixed before the first request is sent (an open loop): a slow answer delays nobody, so that slowness shows
 * as latency and not as fewer requests. Pure; the same seed gives the same times.
 */
import { STEP_S } from './rate.ts';

/** One load, ready to run. */
export interface ArrivalPlan {
  readonly zone: string;
  readonly service: string;
  readonly arrivals: 'poisson' | 'uniform';
  /** Requests per second for each step of STEP_S from second 0. */
  readonly rateSteps: readonly number[];
}

/**
 * Intended arrivals in ms after second 0, ascending; those of the warm-up are negative and come at the rate of second 0.
 * By time rescaling: arrivals at rate 1 (gaps exponential, or all 1) are mapped through the integral of the rate.
 */
export function arrivalsOf(plan: ArrivalPlan, warmupS: number, random: () => number): number[] {
  const warmup = Array.from({ length: Math.round(warmupS / STEP_S) }, () => plan.rateSteps[0] ?? 0);
  const gap = plan.arrivals === 'uniform' ? () => 1 : () => -Math.log(1 - random());
  const times: number[] = [];
  let passed = 0;
  let next = gap();
  for (const [i, rps] of [...warmup, ...plan.rateSteps].entries()) {
    const startS = (i - warmup.length) * STEP_S;
    const end = passed + rps * STEP_S;
    while (next <= end) {
      times.push((startS + (next - passed) / rps) * 1000);
      next += gap();
    }
    passed = end;
  }
  return times;
}
