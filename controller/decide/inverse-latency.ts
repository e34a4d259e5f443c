/**
 * Weights by inverse latency, after L3 (Michaelis, Schmid, Mostafaei, "L3: Latency-aware Load Balancing in Multi-Cluster Service Mesh",
 * Middleware 2024):
 *
 *   w = 1 / ((inFlight / rps + 1)² · L)      L = E[latency] + penalty · (1 / successRatio − 1)
 *
 * E[latency] is the mean of the log-normal that has the measured p50 and p99, inFlight / rps the mean stay in seconds
 * (Little). 1 / successRatio − 1 is the mean number of failed attempts before an answer; the penalty of each is here the
 * worst latency of the objective, where L3 has a fixed 0.6 s, and no less than the slowest backend's mean: whatever the
 * target, a failure is no better than the slowest answer. A crossing of zones adds its cost to L.
 *
 * While the load rises the weights are pulled to equal, as in L3, because the fastest backend of a moment ago is the one
 * that a crowd would bury; our slope is linear: a rise of 50 % over the slow average means half way.
 */
import { WEIGHT_TOTAL } from '../wire/messages.ts';
import { boundShares } from './bounds.ts';
import { worstMs } from './loss.ts';
import type { BackendView, Policy, ServiceView } from './policy.ts';
import { milliseconds, percent } from './say.ts';
import { toWeights } from './weights.ts';

/** z of the 99th percentile. */
const Z99 = 2.3263;
/** A backend that fails always still has a finite latency: that of 50 attempts for an answer. */
const LEAST_SUCCESS = 0.02;
const LEAST_LATENCY_MS = 0.05;
/** An hour. No call takes as long; a figure that says so must not make numbers of the others that are none. */
const MOST_LATENCY_MS = 3_600_000;
/** One call in a hundred seconds: with requests in flight and none that ends, a stay is long and not nothing. */
const LEAST_LOAD_RPS = 0.01;

export const inverseLatency: Policy = {
  name: 'inverse-latency',
  propose(view) {
    const { backends } = view;
    const known = backends.filter(({ callCount }) => callCount > 0);
    if (known.length === 0) {
      const inForce = new Map(backends.map(({ name, weight }) => [name, weight / WEIGHT_TOTAL]));
      const weights = toWeights(boundShares(inForce, backends));
      return { weights, reason: 'no call was measured yet, so the weights stay' };
    }
    const penaltyMs = Math.max(worstMs(view.targetMs), ...known.map(logNormalMeanMs));
    const wishes = new Map(known.map((backend) => [backend.name, wishFor(backend, penaltyMs, view.crossZoneCostMs)]));
    const meanWish = [...wishes.values()].reduce((sum, wish) => sum + wish, 0) / known.length;
    const total = backends.reduce((sum, { name }) => sum + (wishes.get(name) ?? meanWish), 0);
    const pull = Math.min(1, Math.max(0, risingBy(view)));
    const shares = new Map(
      backends.map(({ name }) => {
        const share = total > 0 ? (wishes.get(name) ?? meanWish) / total : 1 / backends.length;
        return [name, (1 - pull) * share + pull / backends.length];
      }),
    );
    const bounded = boundShares(shares, backends);
    const meanLossMs = known.reduce((sum, { lossMs }) => sum + lossMs, 0) / known.length;
    const lossMs = new Map(backends.map((each) => [each.name, each.callCount > 0 ? each.lossMs : meanLossMs]));
    const predictedLossMs = [...bounded].reduce((sum, [name, share]) => sum + share * (lossMs.get(name) ?? 0), 0);
    const proposal = { weights: toWeights(bounded), reason: reasonFor(known, pull) };
    return Number.isFinite(predictedLossMs) ? { ...proposal, predictedLossMs } : proposal;
  },
};

function wishFor(backend: BackendView, penaltyMs: number, crossZoneCostMs: number): number {
  const { loadRps, inFlight, isLocal } = backend;
  const staySeconds = inFlight / Math.max(LEAST_LOAD_RPS, loadRps);
  const successRatio = Math.max(LEAST_SUCCESS, 1 - backend.errorRatio);
  const latencyMs = logNormalMeanMs(backend) + penaltyMs * (1 / successRatio - 1) + (isLocal ? 0 : crossZoneCostMs);
  const wish = 1 / ((staySeconds + 1) ** 2 * Math.max(LEAST_LATENCY_MS, latencyMs));
  return Number.isFinite(wish) ? wish : 0;
}

/**
 * Mean of the log-normal with this p50 and p99: p50 · exp(σ² / 2), σ = ln(p99 / p50) / z99. At most the p99, which only
 * matters where that is more than 50,000 times the p50 and the formula runs away.
 */
function logNormalMeanMs({ p50Ms, p99Ms }: BackendView): number {
  if (p50Ms <= 0) return 0;
  if (p99Ms <= p50Ms) return Math.min(MOST_LATENCY_MS, p50Ms);
  const sigma = Math.log(p99Ms / p50Ms) / Z99;
  return Math.min(MOST_LATENCY_MS, p99Ms, p50Ms * Math.exp((sigma * sigma) / 2));
}

/** By how much the load is above its slow average: 0.5 is half as much again. */
function risingBy({ loadRps, slowLoadRps }: ServiceView): number {
  const rise = slowLoadRps > 0 ? loadRps / slowLoadRps - 1 : 0;
  return Number.isNaN(rise) ? 0 : rise;
}

function reasonFor(known: readonly BackendView[], pull: number): string {
  const figures = known.map(({ name, p50Ms, p99Ms, errorRatio }) => {
    const errors = errorRatio >= 0.0005 ? `, ${percent(errorRatio)} failed` : '';
    return `${name} p50 ${milliseconds(p50Ms)}, p99 ${milliseconds(p99Ms)}${errors}`;
  });
  const rising = pull > 0.05 ? `; the load rises, so ${Math.round(pull * 100)} % of the way to equal` : '';
  return `shares after the inverse of latency: ${figures.join('; ')}${rising}`;
}
