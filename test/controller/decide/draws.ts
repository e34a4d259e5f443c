/** Seeded draws that simulations of calls are made of, and latencies as they come over the wire. */
import { seeded } from '../../support/random.ts';

export interface Draws {
  /** 0 to 1 */
  uniform(): number;
  /** Mean 0, deviation 1. */
  normal(): number;
  poisson(mean: number): number;
  /** Log-normal of this mean; `sigma` is the deviation of its logarithm. */
  logNormal(mean: number, sigma: number): number;
}

export function drawsOf(seed: number): Draws {
  const uniform = seeded(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const logNormal = (mean: number, sigma: number) => mean * Math.exp(sigma * normal() - (sigma * sigma) / 2);
  return { uniform, normal, logNormal, poisson: (mean) => poisson(mean, uniform, normal) };
}

/** By inversion; above 60 by the normal that it then nearly is. */
function poisson(mean: number, uniform: () => number, normal: () => number): number {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
  let count = 0;
  let term = Math.exp(-mean);
  let sum = term;
  for (const drawn = uniform(); drawn > sum && count < 1_000; sum += term) {
    count += 1;
    term *= mean / count;
  }
  return count;
}

/** A level that wanders about 1, as queues make it: log-normal, each step correlated by `memory` with the one before. */
export function wandering({ normal }: Draws, memory: number, sigma: number): () => number {
  let state = normal();
  return () => {
    state = memory * state + Math.sqrt(1 - memory * memory) * normal();
    return Math.exp(sigma * state - (sigma * sigma) / 2);
  };
}

/** The middle of the wire's bucket that a latency falls into: 16 equal ones in each power of two. */
export function wireUs(latencyMs: number): number {
  const us = Math.max(1, Math.round(latencyMs * 1_000));
  const width = 2 ** Math.max(0, Math.floor(Math.log2(us)) - 4);
  return Math.floor(us / width) * width + Math.floor(width / 2);
}
