/**
 * The test that may be looked at after every window: it must not speak where there is nothing, and speak in time where
 * there is. Simulated calls are skewed and share the shocks of their window, as calls in a queue do.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addWindow,
  boundaryAt,
  differenceOf,
  dropBlock,
  effectiveCountFor,
  findingOf,
  newSequence,
} from '../../../controller/trial/sequence.ts';
import { type Draws, drawsOf, wandering } from '../decide/draws.ts';
import { arm } from './arms.ts';

const ALPHA = 0.05;
const MEAN_MS = 20;
/** 2,000 trials at a true chance of 0.05 give more than this in one of a thousand runs. */
const MONTE_CARLO = 3.1 * Math.sqrt((ALPHA * (1 - ALPHA)) / 2_000);

interface World {
  readonly loadRps: number;
  /** Deviation of the logarithm of a latency. */
  readonly sigma: number;
  /** Correlation and size of what windows share. */
  readonly memory: number;
  readonly shocks: number;
  /** Mean of the trial arm over that of the stable arm. */
  readonly factor: number;
  /** Share of requests in the trial arm, by window. */
  readonly share: (window: number) => number;
  readonly windows: number;
  readonly errorRatio?: number;
}

const WORST_MS = 1_000;

/** One trial until the test speaks or the windows are over. */
function run(world: World, draws: Draws): { finding: string; spent: number } {
  const { loadRps, sigma, memory, shocks, factor, share, windows, errorRatio = 0 } = world;
  const variance = Math.expm1(sigma * sigma) * MEAN_MS ** 2 + errorRatio * WORST_MS ** 2;
  const foretold = effectiveCountFor(Math.sqrt(variance), 0.2 * MEAN_MS);
  const sequence = newSequence(ALPHA, foretold * variance);
  const level = wandering(draws, memory, shocks);
  const armOf = (count: number, meanMs: number) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += draws.uniform() < errorRatio ? WORST_MS : Math.min(WORST_MS, draws.logNormal(meanMs, sigma));
    }
    return { attempts: count, failures: 0, lossSumMs: sum };
  };
  for (let window = 0; window < windows; window++) {
    const meanMs = MEAN_MS * level();
    const part = share(window);
    const trial = armOf(draws.poisson(loadRps * part), meanMs * factor);
    addWindow(sequence, trial, armOf(draws.poisson(loadRps * (1 - part)), meanMs));
    const finding = findingOf(sequence);
    if (finding !== 'open') return { finding, spent: sequence.effectiveCount / foretold };
  }
  return { finding: 'open', spent: Number.POSITIVE_INFINITY };
}

const stages = (window: number) => (window < 20 ? 0.05 : 0.25);

function findings(world: World, trials: number, seed: number): { better: number; worse: number } {
  const draws = drawsOf(seed);
  const counts = { better: 0, worse: 0 };
  for (let i = 0; i < trials; i++) {
    const { finding } = run(world, draws);
    if (finding === 'better' || finding === 'worse') counts[finding] += 1;
  }
  return { better: counts.better / trials, worse: counts.worse / trials };
}

const nothing: World = {
  loadRps: 40,
  sigma: 1.3,
  memory: 0.8,
  shocks: 0.6,
  factor: 1,
  share: stages,
  windows: 60,
};

test('2,000 trials of nothing, looked at after every window, find something no more often than alpha', () => {
  const { better, worse } = findings(nothing, 2_000, 1);
  assert.ok(better + worse <= ALPHA + MONTE_CARLO, `better ${better}, worse ${worse}`);
});

test('nor do they with rare failures, or with a small arm of heavy tails, where skew is at its worst', () => {
  const failing = findings({ ...nothing, sigma: 0.7, errorRatio: 0.003 }, 500, 2);
  assert.ok(failing.better + failing.worse <= 0.08, JSON.stringify(failing));
  const skewed = findings({ ...nothing, sigma: 2, share: () => 0.05, loadRps: 60 }, 500, 3);
  assert.ok(skewed.better + skewed.worse <= 0.08, JSON.stringify(skewed));
});

test('a true fifth is found within the effective count that is foretold, more often than not, and on the right side', () => {
  const draws = drawsOf(4);
  const fifth: World = { ...nothing, sigma: 1, shocks: 0.3, factor: 0.8, share: () => 0.25, windows: 300 };
  const trials = Array.from({ length: 200 }, () => run(fifth, draws));
  const inTime = trials.filter(({ spent }) => spent <= 1).length / 200;
  assert.ok(inTime > 0.5, `${inTime} in time`);
  assert.not(trials.some(({ finding }) => finding === 'worse'));
  const harm = findings({ ...fifth, factor: 1.25 }, 100, 5);
  assert.ok(harm.worse > 0.9 && harm.better === 0, JSON.stringify(harm));
});

test('many calls a second are no more than a vote per window: a clear difference takes about a dozen', () => {
  const sequence = newSequence(ALPHA, effectiveCountFor(25, 4) * 25 ** 2);
  let windows = 0;
  while (findingOf(sequence) === 'open' && windows < 100) {
    windows += 1;
    addWindow(sequence, arm(100_000, 10), arm(100_000, 20));
  }
  assert.ok(windows >= 8 && windows <= 25, `${windows} windows`);
});

test('the boundary is the normal mixture of Howard and others', () => {
  // By hand: V 100, ρ 20, α 0.05: sqrt(120 · ln(120 / (20 · 0.0025))).
  assert.ok(Math.abs(boundaryAt(100, 20, 0.05) - Math.sqrt(120 * Math.log(2_400))) < 1e-12);
});

test('rho makes the boundary tightest near the variance that was expected', () => {
  const { rho } = newSequence(0.05, 1_000);
  const at = boundaryAt(1_000, rho, 0.05);
  let best = Number.POSITIVE_INFINITY;
  for (let factor = 0.05; factor < 20; factor *= 1.05) best = Math.min(best, boundaryAt(1_000, rho * factor, 0.05));
  assert.ok(at / best < 1.01, `${at / best}`);
});

test('a block counts once either arm has 20 attempts in it', () => {
  const sequence = newSequence(ALPHA, 100);
  addWindow(sequence, arm(19), arm(500));
  assert.is(sequence.blocks, 0);
  addWindow(sequence, arm(1, 40), arm(500));
  assert.is(sequence.blocks, 1);
  assert.is(sequence.effectiveCount, (20 * 1_000) / 1_020);
  assert.ok(Math.abs(differenceOf(sequence).meanMs - 1) < 1e-9);
});

test('a dropped block leaves no trace', () => {
  const sequence = newSequence(ALPHA, 100);
  addWindow(sequence, arm(19, 1_000), arm(500));
  dropBlock(sequence);
  addWindow(sequence, arm(20), arm(20));
  assert.equal([sequence.blocks, sequence.sum, sequence.effectiveCount], [1, 0, 10]);
});

test('before five blocks it says nothing, where a large alpha would let it', () => {
  // Chosen so that four blocks are just beyond the boundary: V three times rho.
  const sequence = newSequence(0.45, 340);
  for (let i = 0; i < 4; i++) addWindow(sequence, arm(20, 21), arm(20, 20));
  assert.ok(sequence.sum > boundaryAt(sequence.squares, sequence.rho, 0.45));
  assert.is(findingOf(sequence), 'open');
  addWindow(sequence, arm(20, 21), arm(20, 20));
  assert.is(findingOf(sequence), 'worse');
});

test('windows without calls change nothing, and before any the interval is the whole line', () => {
  const sequence = newSequence(ALPHA, 100);
  for (let i = 0; i < 10; i++) addWindow(sequence, arm(0), arm(0));
  assert.is(findingOf(sequence), 'open');
  assert.equal(differenceOf(sequence), { meanMs: 0, halfWidthMs: Number.POSITIVE_INFINITY });
});

test('arms that never differ stay open for ever', () => {
  const sequence = newSequence(ALPHA, 0);
  for (let i = 0; i < 1_000; i++) addWindow(sequence, arm(20), arm(20));
  assert.is(findingOf(sequence), 'open');
});

test('a figure that is no number leaves it open', () => {
  for (const expected of [Number.NaN, Number.POSITIVE_INFINITY]) assert.ok(newSequence(ALPHA, expected).rho > 0);
  const sequence = newSequence(ALPHA, 100);
  for (let i = 0; i < 10; i++) addWindow(sequence, arm(20, Number.NaN), arm(20));
  assert.is(findingOf(sequence), 'open');
});

test.run();
