/** Histograms: how near a value comes out, and that merging loses nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketBounds, Histogram } from '../../../agent/aggregate/histogram.ts';
import { HISTOGRAM_BUCKETS } from '../../../agent/wire/layout.ts';
import { seeded } from '../../support/random.ts';

/** The bucket that a filter counts a latency in. */
function bucketOf(latencyUs: number): number {
  for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) if (latencyUs < bucketBounds(bucket).highUs) return bucket;
  throw new RangeError('no bucket');
}

test('buckets follow each other without a gap, from 0 to no end', () => {
  assert.is(bucketBounds(0).lowUs, 0);
  for (let bucket = 1; bucket < HISTOGRAM_BUCKETS; bucket++) {
    assert.is(bucketBounds(bucket).lowUs, bucketBounds(bucket - 1).highUs, `bucket ${bucket}`);
  }
  assert.is(bucketBounds(HISTOGRAM_BUCKETS - 1).highUs, Number.POSITIVE_INFINITY);
});

test('from 100 µs to 60 s a call comes out within 5 % of what it took', () => {
  let worst = 0;
  for (let latencyUs = 100; latencyUs <= 60e6; latencyUs *= 1.0007) {
    const histogram = new Histogram();
    histogram.add([bucketOf(latencyUs), 1]);
    const [valueUs = 0] = histogram.toValues();
    worst = Math.max(worst, Math.abs(valueUs - latencyUs) / latencyUs);
  }
  assert.ok(worst <= 0.05, `the worst was off by ${worst}`);
  assert.ok(worst <= 0.032, `messages.ts promises 3.2 %, the worst was ${worst}`);
});

test('merged in any order and any number of parts, the same calls give the same values', () => {
  const random = seeded(3);
  const calls = Array.from({ length: 500 }, () => [bucketOf(100 * 2 ** (random() * 19)), 1] as const);
  const atOnce = new Histogram();
  for (const call of calls) atOnce.add(call);
  const parts = [new Histogram(), new Histogram(), new Histogram()];
  for (const [i, call] of calls.toReversed().entries()) parts[i % 3]?.add(call);
  const merged = new Map<number, number>();
  for (const part of parts) {
    const values = part.toValues();
    for (let i = 0; i < values.length; i += 2) {
      merged.set(values[i] ?? 0, (merged.get(values[i] ?? 0) ?? 0) + (values[i + 1] ?? 0));
    }
  }
  const flat = [...merged].sort(([a], [b]) => a - b).flat();
  assert.equal(atOnce.toValues(), flat);
});

test('values ascend, empty buckets are left out, both ends have a value', () => {
  const histogram = new Histogram();
  histogram.add([0, 2, 10, 3, HISTOGRAM_BUCKETS - 1, 4]);
  const [first, , second, , last] = histogram.toValues();
  assert.is(first, 32);
  assert.ok(second !== undefined && second > 64 && second < 128);
  assert.is(last, 2 ** 26);
  assert.is(histogram.toValues().length, 6);
});

test('a count that would wrap around stays at the most there is', () => {
  const histogram = new Histogram();
  histogram.add([5, 0xffffffff]);
  histogram.add([5, 7]);
  assert.is(histogram.toValues()[1], 0xffffffff);
});

test.run();
