/** Service times: mean and 99th percentile are what the scenario says, and belong to the request. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawServiceMs } from '../../deploy/local/apps/service-time.ts';
import { chanceOf } from '../../deploy/local/random.ts';
import type { ServiceTime } from '../../deploy/local/scenario/service-schema.ts';
import { quantile } from '../../deploy/local/show/figures.ts';
import { seeded } from '../support/random.ts';

const DRAWS = 200_000;

function figures(time: ServiceTime): { meanMs: number; p99Ms: number; leastMs: number } {
  const random = seeded(11);
  const drawn = Array.from({ length: DRAWS }, () => drawServiceMs(time, random)).sort((a, b) => a - b);
  return {
    meanMs: drawn.reduce((sum, ms) => sum + ms, 0) / DRAWS,
    p99Ms: quantile(drawn, 0.99) ?? Number.NaN,
    leastMs: drawn[0] ?? Number.NaN,
  };
}

const isNear = (value: number, wanted: number, ratio: number) =>
  assert.ok(Math.abs(value / wanted - 1) < ratio, `${value} is not near ${wanted}`);

test('log-normal times have the mean and the 99th percentile asked for', () => {
  for (const p99Ms of [12, 40, 120]) {
    const seen = figures({ kind: 'lognormal', meanMs: 10, p99Ms });
    isNear(seen.meanMs, 10, 0.03);
    isNear(seen.p99Ms, p99Ms, 0.04);
  }
});

test('a log-normal time without a 99th percentile has one of three times its mean', () => {
  isNear(figures({ kind: 'lognormal', meanMs: 10 }).p99Ms, 30, 0.03);
});

test('exponential times have the mean asked for and its 99th percentile', () => {
  const seen = figures({ kind: 'exponential', meanMs: 5 });
  isNear(seen.meanMs, 5, 0.02);
  isNear(seen.p99Ms, 5 * Math.log(100), 0.03);
});

test('uniform times keep to their spread and constant ones to their value', () => {
  const seen = figures({ kind: 'uniform', meanMs: 10, spreadMs: 4 });
  isNear(seen.meanMs, 10, 0.01);
  assert.ok(seen.leastMs >= 6);
  assert.equal(figures({ kind: 'constant', meanMs: 3 }).p99Ms, 3);
});

test('chance belongs to the request: the same key gives the same draws, a near key others', () => {
  const draws = (seed: number, key: string) => {
    const random = chanceOf(seed, key);
    return [random(), random(), random()];
  };
  assert.equal(draws(1, 'payments 12.3 1'), draws(1, 'payments 12.3 1'));
  assert.not.equal(draws(1, 'payments 12.3 1'), draws(1, 'payments 12.4 1'));
  assert.not.equal(draws(1, 'payments 12.3 1'), draws(2, 'payments 12.3 1'));
});

test('first draws over many near keys are evenly spread', () => {
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i += 1) {
    const tenth = Math.floor(chanceOf(7, `payments ${i}.1 1`)() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // 2,000 expected in each, with a standard deviation of 42.
  assert.ok(
    tenths.every((count) => Math.abs(count - 2000) < 190),
    tenths.join(' '),
  );
});

test.run();
