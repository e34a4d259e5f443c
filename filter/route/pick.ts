/**
 * Draws a backend.
 *
 * `exact` is one draw by weight. `balanced` is two, and the second takes over only if it has fewer requests in flight per
 * weight both before and after this call is added to it. For equal weights that is the power of two choices; for unequal
 * ones it keeps the weights' shares while nothing queues: with the looser rule "fewer in flight per weight now", an idle
 * backend of weight 2 % (a relieved one that fails at once is always idle) would win every pair and get 4 %.
 */
import { ARM_TRIAL, DRAW_BALANCED, WEIGHT_TOTAL } from '../../agent/wire/layout';
import { below } from './random';
import { Backend, backendAt, Service } from './table';

/** @returns the backend; never one of weight 0 */
export function pick(service: Service, arm: u32): Backend {
  const first = draw(service, arm);
  if (service.draw != DRAW_BALANCED) return first;
  const second = draw(service, arm);
  return isLighter(second, first, arm) ? second : first;
}

function draw(service: Service, arm: u32): Backend {
  let rest = below(WEIGHT_TOTAL);
  const last = service.backendCount - 1;
  for (let i: u32 = 0; i < last; i++) {
    const backend = backendAt(service, i);
    const weight = weightOf(backend, arm);
    if (rest < weight) return backend;
    rest -= weight;
  }
  // The weights were checked to sum to WEIGHT_TOTAL, so what is left lies within the last one's.
  return backendAt(service, last);
}

function isLighter(a: Backend, b: Backend, arm: u32): bool {
  const clusterA = a.cluster;
  const clusterB = b.cluster;
  if (clusterA == null || clusterB == null || clusterA == clusterB) return false;
  const weightA = <u64>weightOf(a, arm);
  const weightB = <u64>weightOf(b, arm);
  const inFlightA = <u64>clusterA.inFlight;
  const inFlightB = <u64>clusterB.inFlight;
  return inFlightA * weightB < inFlightB * weightA && (inFlightA + 1) * weightB < (inFlightB + 1) * weightA;
}

function weightOf(backend: Backend, arm: u32): u32 {
  return arm == ARM_TRIAL ? backend.trialWeight : backend.weight;
}
