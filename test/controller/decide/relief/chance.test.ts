/** Tails of the binomial against sums done by hand, and Wilson's bound against its published values. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lowerTail, upperTail, wilsonUpper } from '../../../../controller/decide/relief/chance.ts';
import { drawsOf } from '../draws.ts';

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within * Math.abs(expected), `${actual} is not ${expected}`);

/** Every probability of the binomial by the plain recurrence, good for few trials. */
function exact(trials: number, ratio: number): number[] {
  const terms = [(1 - ratio) ** trials];
  for (let k = 1; k <= trials; k++) {
    terms.push(((terms[k - 1] ?? 0) * (trials - k + 1) * ratio) / (k * (1 - ratio)));
  }
  return terms;
}

test('tails are the sums of their probabilities', () => {
  const { uniform } = drawsOf(1);
  for (let round = 0; round < 300; round++) {
    const trials = 1 + Math.floor(80 * uniform());
    const ratio = 0.001 + 0.95 * uniform() ** 2;
    const terms = exact(trials, ratio);
    for (let k = 0; k <= trials; k++) {
      const upper = terms.slice(k).reduce((sum, term) => sum + term, 0);
      near(upperTail(k, trials, ratio), upper, 1e-9);
      near(
        lowerTail(k, trials, ratio),
        terms.slice(0, k + 1).reduce((sum, term) => sum + term, 0),
        1e-9,
      );
    }
  }
});

test('many trials lose no more than a few digits', () => {
  for (const trials of [1e3, 1e5, 1e7]) {
    near(upperTail(1, trials, 1 / trials), -Math.expm1(trials * Math.log1p(-1 / trials)), 1e-8);
    near(upperTail(trials, trials, 1 - 1 / trials), Math.exp(trials * Math.log1p(-1 / trials)), 1e-8);
    // The median of a symmetric one: half of what is not the middle, and the middle.
    const middle = upperTail(trials / 2, trials, 0.5) - upperTail(trials / 2 + 1, trials, 0.5);
    near(upperTail(trials / 2, trials, 0.5), 0.5 + middle / 2, 1e-7);
  }
  // Five deviations up, where the normal says 2.9e-7 and the binomial's skew a little more.
  const far = upperTail(10_500, 1_000_000, 0.01);
  assert.ok(far > 2.5e-7 && far < 4e-7, `${far}`);
});

test('what cannot be is 0, what must be is 1, and nothing of nothing is neither', () => {
  assert.equal([upperTail(0, 10, 0.3), upperTail(-1, 10, 0.3), upperTail(3, 10, 1)], [1, 1, 1]);
  assert.equal([upperTail(11, 10, 0.3), upperTail(1, 10, 0), upperTail(1, 0, 0.3)], [0, 0, 0]);
  assert.equal([lowerTail(10, 10, 0.3), lowerTail(0, 0, 0.3), lowerTail(3, 10, 0)], [1, 1, 1]);
  assert.equal([lowerTail(-1, 10, 0.3), lowerTail(9, 10, 1)], [0, 0]);
});

test('a chance too small for a number is 0, at once', () => {
  for (let i = 0; i < 1_000; i++) assert.is(upperTail(900_000_000, 1_000_000_000, 0.01), 0);
});

test("Wilson's bound has its published values", () => {
  near(wilsonUpper(0, 10, 1.96), 0.2775, 1e-3);
  near(wilsonUpper(1, 10, 1.96), 0.4042, 1e-3);
  near(wilsonUpper(50, 100, 1.96), 0.5962, 1e-3);
});

test("Wilson's bound is a ratio, above what was seen, and falls to it with more trials", () => {
  assert.is(wilsonUpper(0, 0, 2), 1);
  assert.is(wilsonUpper(10, 10, 2), 1);
  assert.is(wilsonUpper(10.000001, 10, 2), 1, 'sums that decay carry dust');
  const bounds = [10, 100, 1_000, 1e6].map((trials) => wilsonUpper(trials / 10, trials, 2));
  for (const [i, bound] of bounds.entries()) assert.ok(bound > 0.1 && bound < (bounds[i - 1] ?? 1));
  near(bounds.at(-1) ?? 0, 0.1, 0.01);
});

test('the true ratio is above the bound as seldom as it says', () => {
  const { uniform } = drawsOf(2);
  let above = 0;
  for (let round = 0; round < 4_000; round++) {
    let hits = 0;
    for (let i = 0; i < 200; i++) if (uniform() < 0.05) hits += 1;
    if (wilsonUpper(hits, 200, 2) < 0.05) above += 1;
  }
  assert.ok(above / 4_000 < 0.035, `${above} of 4000`);
});

test.run();
