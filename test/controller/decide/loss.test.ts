/** What better means: one number per attempt, and failures are never cheap. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addLoss, emptyLoss, lossOf, lossSumMs, worstMs } from '../../../controller/decide/loss.ts';
import { addTally, newDecayed } from '../../../controller/graph/decayed.ts';
import { emptyTally } from '../../../controller/graph/tally.ts';
import { drawsOf, wireUs } from './draws.ts';

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual / expected - 1) < within, `${actual} is not ${expected}`);

test('an answered call costs its latency, at most the worst; a failure costs the worst', () => {
  const latency = [20_000, 3, 90_000_000, 1];
  assert.is(lossSumMs({ failures: 2, latency }, worstMs(100)), 3 * 20 + 1_000 + 2 * 1_000);
  assert.is(lossSumMs({ failures: 0, latency: [] }, 1_000), 0);
});

test('edges add up, each attempt with what its crossing costs', () => {
  const loss = emptyLoss();
  addLoss(loss, { attempts: 5, failures: 1, latency: [10_000, 4] }, 1_000, 0);
  addLoss(loss, { attempts: 2, failures: 0, latency: [10_000, 2] }, 1_000, 5);
  assert.equal(loss, { attempts: 7, failures: 1, lossSumMs: 1_040 + 30 });
});

test('mean and variance of a picture are those of its attempts', () => {
  const draws = drawsOf(1);
  const tally = emptyTally();
  const losses: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const isFailure = draws.uniform() < 0.02;
    const ms = draws.logNormal(20, 1);
    tally.attempts += 1;
    if (isFailure) tally.failures += 1;
    else tally.latency.push(wireUs(ms), 1);
    losses.push(isFailure ? 500 : Math.min(ms, 500));
  }
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const variance = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / losses.length;
  const picture = newDecayed(1e12, 0);
  addTally(picture, tally, 1_000);
  const { meanMs, varianceMs2 } = lossOf(picture, 500, 7);
  near(meanMs, mean + 7, 0.01);
  near(varianceMs2, variance, 0.02);
});

test('without an attempt there is no loss', () => {
  assert.equal(lossOf(newDecayed(1_000, 0), 500, 7), { meanMs: 0, varianceMs2: 0 });
});

test('a backend that fails at once is worse than any that answers', () => {
  const failing = newDecayed(1_000, 0);
  addTally(failing, { ...emptyTally(), calls: 9, attempts: 9, failures: 9 }, 1_000);
  const slow = newDecayed(1_000, 0);
  addTally(slow, { ...emptyTally(), calls: 9, attempts: 9, latency: [400_000, 9] }, 1_000);
  assert.ok(lossOf(failing, 500).meanMs > lossOf(slow, 500).meanMs);
});

test.run();
