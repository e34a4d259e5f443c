/** The peer from the literature: its formula, and where it departs from it. What every policy must do is in contracts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inverseLatency } from '../../../controller/decide/inverse-latency.ts';
import type { BackendView, ServiceView } from '../../../controller/decide/policy.ts';
import { backendView, serviceView } from './views.ts';

const backend = (name: string, more: Partial<BackendView> = {}) => backendView(name, { minShare: 0, ...more });
const sharesOf = (view: ServiceView) =>
  Object.values(inverseLatency.propose(view).weights).map((weight) => weight / 10_000);
const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1.01e-4, `${actual} is not ${expected}`);

test('shares go by the inverse of the squared stay and the log-normal mean', () => {
  const a = backend('a', { inFlight: 3, loadRps: 30, p50Ms: 20, p99Ms: 200 });
  const b = backend('b', { inFlight: 12, loadRps: 60, p50Ms: 50, p99Ms: 80 });
  const weigh = (staySeconds: number, p50Ms: number, p99Ms: number) => {
    const sigma = Math.log(p99Ms / p50Ms) / 2.3263;
    return 1 / ((staySeconds + 1) ** 2 * p50Ms * Math.exp(sigma ** 2 / 2));
  };
  const [wa, wb] = [weigh(0.1, 20, 200), weigh(0.2, 50, 80)];
  near(sharesOf(serviceView([a, b]))[0], wa / (wa + wb));
});

test('failed attempts before an answer cost the worst latency each', () => {
  const a = backend('a', { p50Ms: 20, p99Ms: 20, errorRatio: 0.2, inFlight: 0 });
  const b = backend('b', { p50Ms: 20, p99Ms: 20, inFlight: 0 });
  // 0.25 failed attempts for an answer, at 10 × 100 ms.
  near(sharesOf(serviceView([a, b]))[0], 1 / 270 / (1 / 270 + 1 / 20));
});

test('a failure is no better than the slowest answer, however low the target', () => {
  const failing = backend('failing', { p50Ms: 0.1, p99Ms: 0.2, errorRatio: 0.6, inFlight: 0 });
  const slow = backend('slow', { p50Ms: 900, p99Ms: 2_000, inFlight: 0 });
  const [failingShare = 1, slowShare = 0] = sharesOf(serviceView([failing, slow], { targetMs: 1 }));
  assert.ok(failingShare < slowShare);
});

test('a crossing costs what the route says', () => {
  const a = backend('a', { p50Ms: 20, p99Ms: 20, inFlight: 0 });
  const b = backend('b', { p50Ms: 20, p99Ms: 20, inFlight: 0, isLocal: false });
  near(sharesOf(serviceView([a, b], { crossZoneCostMs: 20 }))[0], 2 / 3);
});

test('a rising load pulls to equal: half as much again, half way', () => {
  const a = backend('a', { p50Ms: 10, p99Ms: 10, inFlight: 0 });
  const b = backend('b', { p50Ms: 40, p99Ms: 40, inFlight: 0 });
  near(sharesOf(serviceView([a, b]))[0], 0.8);
  near(sharesOf(serviceView([a, b], { loadRps: 90, slowLoadRps: 60 }))[0], 0.65);
  near(sharesOf(serviceView([a, b], { loadRps: 600, slowLoadRps: 60 }))[0], 0.5);
  near(sharesOf(serviceView([a, b], { loadRps: 30, slowLoadRps: 60 }))[0], 0.8);
  assert.match(
    inverseLatency.propose(serviceView([a, b], { loadRps: 90 })).reason,
    'the load rises, so 50 % of the way to equal',
  );
});

test('a backend where requests hang does not look idle', () => {
  const hanging = backend('hanging', { loadRps: 0, inFlight: 40 });
  const [share = 1] = sharesOf(serviceView([hanging, backend('well')]));
  assert.ok(share < 0.001);
});

test('a backend without calls gets the mean of the others, and no calls at all change nothing', () => {
  const cold = backend('cold', { callCount: 0, p50Ms: 0, p99Ms: 0, inFlight: 0, loadRps: 0 });
  near(sharesOf(serviceView([backend('a'), backend('b'), cold]))[2], 1 / 3);
  const silent = serviceView([
    { ...cold, weight: 9_000 },
    { ...cold, name: 'other', weight: 1_000 },
  ]);
  assert.equal(inverseLatency.propose(silent), {
    weights: { cold: 9_000, other: 1_000 },
    reason: 'no call was measured yet, so the weights stay',
  });
});

test('what it foretells is the mean loss by its own shares', () => {
  const a = backend('a', { p50Ms: 10, p99Ms: 10, inFlight: 0, lossMs: 12 });
  const b = backend('b', { p50Ms: 40, p99Ms: 40, inFlight: 0, lossMs: 44 });
  near((inverseLatency.propose(serviceView([a, b])).predictedLossMs ?? 0) / 100, (0.8 * 12 + 0.2 * 44) / 100);
});

test('its reason is figures a person can read', () => {
  const a = backend('a', { p50Ms: 123.4, p99Ms: 1_234, errorRatio: 0.031 });
  const { reason } = inverseLatency.propose(serviceView([a, backend('b')]));
  assert.is(
    reason,
    'shares after the inverse of latency: a p50 123 ms, p99 1234 ms, 3.1 % failed; b p50 18 ms, p99 60 ms',
  );
});

test.run();
