/**
 * Draws a backend.
 *
 * `exact` is one draw by weight. `balanced` draws by weight too, and then gives the call to whichever backend is least busy for
 * its weight: one takes over only if it has fewer requests in flight per weight both before and after this call is added to
 * it. For equal weights that is to join the shortest queue; for unequal ones it keeps the weights' shares while nothing queues:
 * with the looser rule "fewer in flight per weight now", an idle backend of weight 2 % (a relieved one that fails at once is
 * always idle) would take over from every busy one.
 *
 * Weights are right for the load they were made for. A crowd is seen here first: where the drawn backend has far more in flight
 * than usual (measure/usual.ts), the call goes to whoever would answer it soonest by requests in flight and usual latency,
 * of those that the controller lets take over: none that is relieved, pinned or bounded. So calls stay near while nothing queues
 * and go far while something does, without waiting for a decision.
 *
 * Who fails at once has nothing in flight and looks idle. So a backend whose last call through this VM failed takes over from
 * nobody, and one whose last FAILING calls all failed is drawn again, REDRAWS times: of a third of the calls it keeps a
 * twenty-seventh, seconds before the controller can have seen enough, and enough for it to see. Not below
 * LEAST_FAILING_WEIGHT: so few calls are what the controller probes a relieved backend with, and wants to get there.
 */
import { ARM_TRIAL, DRAW_BALANCED, WEIGHT_TOTAL } from '../../agent/wire/layout';
import { isCrowd, waitUs } from '../measure/usual';
import { below } from './random';
import { Backend, backendAt, Service } from './table';

/** As many as Envoy's outlier detection takes by default (consecutive_5xx). */
const FAILING: u32 = 5;
const LEAST_FAILING_WEIGHT: u32 = 500;
const REDRAWS: u32 = 2;

/** @returns the backend; never one of weight 0 */
export function pick(service: Service, arm: u32): Backend {
  let drawn = draw(service, arm);
  if (service.draw != DRAW_BALANCED) return drawn;
  for (let again: u32 = 0; again < REDRAWS && isFailing(drawn, arm); again++) drawn = draw(service, arm);
  const taker = takerOf(service, drawn, arm);
  return taker == drawn ? lightest(service, drawn, arm) : taker;
}

/** Where a crowd is at the drawn one: whoever may take over and would answer soonest. Else the drawn one. */
function takerOf(service: Service, drawn: Backend, arm: u32): Backend {
  const crowded = drawn.cluster;
  if (crowded == null || !isCrowd(crowded)) return drawn;
  let best = drawn;
  let leastUs = waitUs(crowded);
  for (let i: u32 = 0; i < service.backendCount; i++) {
    const other = backendAt(service, i);
    const cluster = other.cluster;
    if (cluster == null || !other.takesOver || weightOf(other, arm) == 0 || cluster.failuresInRow > 0) continue;
    const us = waitUs(cluster);
    if (us == 0 || us >= leastUs) continue;
    leastUs = us;
    best = other;
  }
  return best;
}

/** Of those that may take over from the drawn one the least busy for its weight; of several such, by weight. */
function lightest(service: Service, drawn: Backend, arm: u32): Backend {
  let best = drawn;
  let tiedWeight: u32 = 0;
  for (let i: u32 = 0; i < service.backendCount; i++) {
    const other = backendAt(service, i);
    if (!mayTakeOver(other, drawn, arm)) continue;
    const weight = weightOf(other, arm);
    const busier = tiedWeight == 0 ? -1 : compareBusy(other, best, arm);
    if (busier > 0) continue;
    tiedWeight = busier < 0 ? weight : tiedWeight + weight;
    if (below(tiedWeight) < weight) best = other;
  }
  return best;
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

/** Whether it has fewer requests in flight per weight, before and after the call, and did not fail just now. */
function mayTakeOver(other: Backend, drawn: Backend, arm: u32): bool {
  const cluster = other.cluster;
  return (
    cluster != null &&
    cluster.failuresInRow == 0 &&
    compareBusy(other, drawn, arm) < 0 &&
    (inFlightOf(other) + 1) * weightOf(drawn, arm) < (inFlightOf(drawn) + 1) * weightOf(other, arm)
  );
}

/** Below 0 where `a` has fewer requests in flight per weight than `b`. */
function compareBusy(a: Backend, b: Backend, arm: u32): i32 {
  const ofA = inFlightOf(a) * weightOf(b, arm);
  const ofB = inFlightOf(b) * weightOf(a, arm);
  return ofA < ofB ? -1 : ofA > ofB ? 1 : 0;
}

function inFlightOf(backend: Backend): u64 {
  const cluster = backend.cluster;
  return cluster == null ? 0 : cluster.inFlight;
}

function isFailing(backend: Backend, arm: u32): bool {
  const cluster = backend.cluster;
  return cluster != null && cluster.failuresInRow >= FAILING && weightOf(backend, arm) >= LEAST_FAILING_WEIGHT;
}

function weightOf(backend: Backend, arm: u32): u32 {
  return arm == ARM_TRIAL ? backend.trialWeight : backend.weight;
}
