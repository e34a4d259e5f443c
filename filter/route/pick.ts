/**
 * Draws a backend.
 *
 * `exact` is one draw by weight. `balanced` is two, and the second takes over only if it has fewer requests in flight per
 * weight both before and after this call is added to it. For equal weights that is the power of two choices; for unequal
 * ones it keeps the weights' shares while nothing queues: with the looser rule "fewer in flight per weight now", an idle
 * backend of weight 2 % (a relieved one that fails at once is always idle) would win every pair and get 4 %.
 *
 * Before it looks at what is in flight, `balanced` looks for failures: a backend whose last FAILING calls through this VM all
 * failed loses every pair with one that answers. Who fails at once has nothing in flight and would win them; so its share is
 * squared within five calls, seconds before the controller can have seen enough. Not below LEAST_FAILING_WEIGHT: so few calls
 * are what the controller probes a relieved backend with, and wants to get there.
 */
import { ARM_TRIAL, DRAW_BALANCED, WEIGHT_TOTAL } from '../../agent/wire/layout';
import { Cluster } from '../measure/clusters';
import { below } from './random';
import { Backend, backendAt, Service } from './table';

/** As many as Envoy's outlier detection takes by default (consecutive_5xx). */
const FAILING: u32 = 5;
const LEAST_FAILING_WEIGHT: u32 = 500;

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
  const isFailingA = isFailing(clusterA, <u32>weightA);
  if (isFailingA != isFailing(clusterB, <u32>weightB)) return !isFailingA;
  const inFlightA = <u64>clusterA.inFlight;
  const inFlightB = <u64>clusterB.inFlight;
  return inFlightA * weightB < inFlightB * weightA && (inFlightA + 1) * weightB < (inFlightB + 1) * weightA;
}

function isFailing(cluster: Cluster, weight: u32): bool {
  return cluster.failuresInRow >= FAILING && weight >= LEAST_FAILING_WEIGHT;
}

function weightOf(backend: Backend, arm: u32): u32 {
  return arm == ARM_TRIAL ? backend.trialWeight : backend.weight;
}
