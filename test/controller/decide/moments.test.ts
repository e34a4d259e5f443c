/** Mean and variance of windows, and how often a comparison of them speaks for nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addMean, compare, isBetter, isWorse, type Moments, noMoments } from '../../../controller/decide/moments.ts';
import { type Draws, drawsOf, wandering } from './draws.ts';

const momentsOf = (values: readonly number[], kept = 1): Moments => {
  const moments = noMoments();
  for (const value of values) addMean(moments, value, kept);
  return moments;
};
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);

test('count, mean and squares are those of the values', () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const { count, meanMs, squaresMs2 } = momentsOf(values);
  assert.is(count, 8);
  near(meanMs, mean);
  near(
    squaresMs2,
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0),
  );
});

test('values far from zero lose no digits', () => {
  const { squaresMs2 } = momentsOf([1e9, 1e9 + 1, 1e9 + 2]);
  near(squaresMs2, 2);
});

test('forgetting weighs each value by its age', () => {
  const { uniform } = drawsOf(1);
  const values = Array.from({ length: 50 }, () => 10 * uniform());
  const kept = 0.9;
  const weights = values.map((_, i) => kept ** (values.length - 1 - i));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0) / total;
  const squares = values.reduce((sum, value, i) => sum + (weights[i] ?? 0) * (value - mean) ** 2, 0);
  const moments = momentsOf(values, kept);
  near(moments.count, total);
  near(moments.meanMs, mean);
  near(moments.squaresMs2, squares);
});

test('a comparison is the difference in standard errors', () => {
  const comparison = compare(momentsOf([1, 2, 3, 4, 5]), momentsOf([11, 12, 13, 14, 15]));
  assert.is(comparison?.beforeMs, 3);
  assert.is(comparison?.afterMs, 13);
  near(comparison?.deviations ?? 0, 10 / Math.sqrt(2.5 / 5 + 2.5 / 5));
});

test('fewer than five windows on either side say nothing', () => {
  const [few, many] = [momentsOf([1, 2, 3, 4]), momentsOf([11, 12, 13, 14, 15])];
  assert.is(compare(few, many), undefined);
  assert.is(compare(many, few), undefined);
  assert.not(isWorse(compare(few, many), 1));
  assert.not(isBetter(compare(many, few)));
});

test('windows without any spread differ or do not', () => {
  const flat = (value: number) => momentsOf([value, value, value, value, value]);
  assert.is(compare(flat(20), flat(20))?.deviations, 0);
  assert.ok(isWorse(compare(flat(20), flat(30)), 1.2));
  assert.ok(isBetter(compare(flat(30), flat(20))));
});

test('worse takes both: beyond chance and by the factor', () => {
  const before = momentsOf([20, 21, 19, 20, 20, 21, 19]);
  const after = (value: number) => momentsOf([value, value + 1, value - 1, value, value]);
  assert.ok(isWorse(compare(before, after(25)), 1.2));
  assert.not(isWorse(compare(before, after(25)), 1.5), 'a quarter is no half');
  assert.not(isWorse(compare(before, momentsOf([10, 60, 15, 80, 20])), 1.2), 'that may be chance');
});

/** Part of 400 quiet minutes, looked at after each window, in which the second half is called a quarter worse. */
function falseAlarms(next: () => number): number {
  let alarms = 0;
  for (let run = 0; run < 400; run++) {
    const before = noMoments();
    for (let i = 0; i < 60; i++) addMean(before, next(), 0.95);
    const after = noMoments();
    for (let i = 0; i < 60; i++) {
      addMean(after, next(), 0.9);
      if (!isWorse(compare(before, after), 1.25)) continue;
      alarms += 1;
      break;
    }
  }
  return alarms / 400;
}

function meansOf(draws: Draws, calls: number, memory: number, sigma: number): () => number {
  const level = wandering(draws, memory, sigma);
  return () => {
    const wanders = level();
    let sum = 0;
    for (let i = 0; i < calls; i++) sum += draws.logNormal(20 * wanders, 1);
    return sum / calls;
  };
}

test('quiet windows are seldom called worse, a little less seldom where they follow each other', () => {
  assert.ok(falseAlarms(meansOf(drawsOf(1), 30, 0, 0)) <= 0.005);
  assert.ok(falseAlarms(meansOf(drawsOf(2), 3, 0, 0)) <= 0.005);
  assert.ok(falseAlarms(meansOf(drawsOf(3), 30, 0.7, 0.2)) <= 0.04);
});

test.run();
