/** A picture that forgets: a steady load is that load, a half-life halves, quantiles are near the calls'. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addTally,
  answeredAbove,
  errorRatio,
  inFlight,
  latencyMoments,
  loadRps,
  newDecayed,
  quantileMs,
} from '../../../controller/graph/decayed.ts';
import { emptyTally, type Tally } from '../../../controller/graph/tally.ts';
import { drawsOf, wireUs } from '../decide/draws.ts';

const HALF_LIFE_MS = 10_000;

const tallyOf = (calls: number, more: Partial<Tally> = {}): Tally => ({
  ...emptyTally(),
  calls,
  attempts: calls,
  latency: [20_000, calls],
  ...more,
});

const near = (actual: number, expected: number, within = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= within * Math.max(1, expected), `${actual} is not ${expected}`);

test('a steady load reads as exactly that load, from the first window on, whatever the windows', () => {
  const { uniform } = drawsOf(1);
  const picture = newDecayed(HALF_LIFE_MS, 500);
  let nowMs = 500;
  for (let i = 0; i < 200; i++) {
    const windowMs = 100 + 5_000 * uniform();
    nowMs += windowMs;
    addTally(picture, tallyOf(0.07 * windowMs, { inFlightMs: 3 * windowMs }), nowMs);
    near(loadRps(picture, nowMs), 70);
    near(inFlight(picture, nowMs), 3);
  }
});

test('figures halve each half-life, and silence counts before anybody says so', () => {
  const picture = newDecayed(HALF_LIFE_MS, 0);
  for (let second = 1; second <= 300; second++) addTally(picture, tallyOf(40), second * 1_000);
  near(loadRps(picture, 310_000), 20, 1e-6);
  near(loadRps(picture, 320_000), 10, 1e-6);
  const { attempts } = picture;
  addTally(picture, emptyTally(), 310_000);
  near(picture.attempts, attempts / 2);
  near(loadRps(picture, 310_000), 20, 1e-6);
});

test('several reports of one instant add up and add no time', () => {
  const picture = newDecayed(1e9, 0);
  for (let second = 1; second <= 60; second++) {
    for (let agent = 0; agent < 50; agent++) addTally(picture, tallyOf(2), second * 1_000);
  }
  near(loadRps(picture, 60_000), 100, 1e-6);
});

test('an instant before the last one turns nothing back', () => {
  const picture = newDecayed(HALF_LIFE_MS, 0);
  addTally(picture, tallyOf(10), 2_000);
  addTally(picture, tallyOf(10), 1_000);
  assert.is(picture.atMs, 2_000);
  assert.ok(picture.attempts > 19);
});

test('quantiles are within 5.4 % of those of the calls', () => {
  const draws = drawsOf(2);
  for (const sigma of [0.3, 1, 1.8]) {
    const picture = newDecayed(1e12, 0);
    const latencies = Array.from({ length: 20_000 }, () => draws.logNormal(25, sigma));
    addTally(picture, tallyOf(latencies.length, { latency: latencies.flatMap((ms) => [wireUs(ms), 1]) }), 1_000);
    latencies.sort((a, b) => a - b);
    for (const quantile of [0.01, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = latencies[Math.ceil(quantile * latencies.length) - 1] ?? 0;
      const off = Math.abs(quantileMs(picture, quantile) / exact - 1);
      assert.ok(off < 0.054, `σ ${sigma}: quantile ${quantile} is ${off} off`);
    }
  }
});

test('the mean is clipped where it is told to be, and failures are no latency', () => {
  const picture = newDecayed(1e12, 0);
  addTally(picture, { ...tallyOf(4), failures: 2, latency: [10_000, 1, 90_000_000, 1] }, 1_000);
  const { count, meanMs, meanSquareMs2 } = latencyMoments(picture, 500);
  near(count, 2, 1e-6);
  near(meanMs, 255, 0.03);
  near(meanSquareMs2, (500 ** 2 + 10 ** 2) / 2, 0.03);
  near(errorRatio(picture), 0.5);
});

test('what is above a latency is counted by slots', () => {
  const picture = newDecayed(1e12, 0);
  addTally(picture, tallyOf(10, { latency: [10_000, 6, 10_100, 1, 20_000, 3] }), 1_000);
  const { answered, above } = answeredAbove(picture, 10_000);
  near(answered, 10, 1e-6);
  near(above, 3, 1e-6);
});

test('without a call every figure is 0', () => {
  const picture = newDecayed(HALF_LIFE_MS, 0);
  const figures = () => [
    loadRps(picture, 0),
    inFlight(picture, 0),
    errorRatio(picture),
    quantileMs(picture, 0.99),
    latencyMoments(picture, 100).meanMs,
  ];
  assert.equal(figures(), [0, 0, 0, 0, 0]);
  addTally(picture, emptyTally(), 0);
  assert.equal(figures(), [0, 0, 0, 0, 0]);
});

test('a quiet night leaves nothing of the day', () => {
  const picture = newDecayed(HALF_LIFE_MS, 0);
  addTally(picture, { ...tallyOf(500), failures: 500, latency: [] }, 1_000);
  addTally(picture, tallyOf(500), 2_000);
  for (let second = 3; second < 30_000; second++) addTally(picture, emptyTally(), second * 1_000);
  assert.is(picture.attempts, 0);
  assert.is(errorRatio(picture), 0);
  assert.is(quantileMs(picture, 0.5), 0);
  assert.ok(picture.slots.every((weight) => weight === 0));
  near(picture.seenMs, HALF_LIFE_MS / Math.LN2, 1e-3);
});

test.run();
