/** Equal marginal loss on views made by hand: local while nothing queues, across when the next call is dearer here. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { marginalLoss } from '../../../controller/decide/marginal-loss.ts';
import { waitAt } from '../../../controller/predict/queueing.ts';
import { backendView, serviceView } from './views.ts';

/** A backend of `slots` at 20 ms whose queue is what those slots make of the load. */
function queueing(name: string, slots: number, loadRps: number, pathMs: number, weight: number, othersRps = 0) {
  const totalLoadRps = loadRps + othersRps;
  const queueMs = waitAt({ slots, serviceMs: 20 }, totalLoadRps);
  const figures = { weight, loadRps, totalLoadRps, serviceMs: 20, queueMs, lossMs: 20 + pathMs + queueMs };
  return backendView(name, { ...figures, minShare: 0 });
}

const after = (backends: ReturnType<typeof backendView>[], loadRps: number) =>
  marginalLoss.propose(serviceView(backends, { loadRps }));

test('while nothing queues every call is wanted where it is fastest', () => {
  const { weights } = after([queueing('near', 16, 100, 0, 5_000), queueing('far', 16, 100, 10, 5_000)], 200);
  assert.ok((weights.near ?? 0) > 6_500, JSON.stringify(weights));
});

test('when the near one queues, calls cross to the far one, and the queue is foretold to fall', () => {
  const { weights, predictedLossMs } = after(
    [queueing('near', 4, 190, 0, 9_500), queueing('far', 8, 10, 10, 500)],
    200,
  );
  assert.ok((weights.near ?? 0) < 8_500 && (weights.near ?? 0) > 3_000, JSON.stringify(weights));
  assert.ok(predictedLossMs !== undefined && predictedLossMs < 60, `${predictedLossMs} ms`);
});

test('unequal capacity behind equal latency is found by the queue alone', () => {
  const { weights } = after([queueing('large', 8, 100, 0, 5_000), queueing('small', 2, 95, 0, 5_000)], 195);
  assert.ok((weights.large ?? 0) > 6_500, JSON.stringify(weights));
});

test('the wait that it makes for other callers counts', () => {
  const alone = after([queueing('near', 8, 100, 0, 5_000), queueing('far', 8, 100, 2, 5_000)], 200);
  const shared = after([queueing('near', 8, 100, 0, 5_000, 270), queueing('far', 8, 100, 2, 5_000)], 200);
  assert.ok(
    (shared.weights.near ?? 0) < (alone.weights.near ?? 0) - 1_000,
    JSON.stringify([alone.weights, shared.weights]),
  );
});

test('a backend that fails is the dearest, whatever its queue', () => {
  const failing = { ...queueing('bad', 8, 50, 0, 5_000), errorRatio: 0.5, lossMs: 510 };
  const { weights } = after([failing, queueing('good', 8, 50, 0, 5_000)], 100);
  assert.ok((weights.bad ?? 0) <= 2_100, JSON.stringify(weights));
});

test('its reason names the figures that it rests on', () => {
  const { reason } = after([queueing('near', 4, 190, 0, 9_500), queueing('far', 8, 10, 10, 500)], 200);
  assert.match(
    reason,
    /^the next call costs least by these shares: near 20 ms and \d+ ms of queue, 9\d % busy, best \d+ %; far 30 ms/,
  );
});

test.run();
