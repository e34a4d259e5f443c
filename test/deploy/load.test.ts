/** Arrival times: the same for the same seed, as many as the load says, and from files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { arrivalsOf } from '../../deploy/local/load/arrivals.ts';
import { parseRates, readRates } from '../../deploy/local/load/csv.ts';
import { countRequests, rateSteps, STEP_S } from '../../deploy/local/load/rate.ts';
import { chanceOf } from '../../deploy/local/random.ts';
import type { Phase } from '../../deploy/local/scenario/load-schema.ts';
import { parseScenario } from '../../deploy/local/scenario/parse.ts';
import type { Scenario } from '../../deploy/local/scenario/schema.ts';
import { smallScenario } from './small-scenario.ts';

const scenario = parseScenario(smallScenario, 'small.yaml');

function ratesOf(phases: Phase[], events: Scenario['events'] = []): number[] {
  return rateSteps({ ...scenario, events }, { zone: 'east', service: 'front', arrivals: 'poisson', phases }, []);
}
const at = (rates: readonly number[], s: number) => rates[Math.round(s / STEP_S)] ?? Number.NaN;
const plan = (rates: number[], arrivals: 'poisson' | 'uniform') => ({
  zone: 'east',
  service: 'front',
  arrivals,
  rateSteps: rates,
});

test('the same seed gives the same arrivals, another seed others', () => {
  const rates = ratesOf([{ kind: 'constant', rps: 50 }]);
  const draw = (seed: number) => arrivalsOf(plan(rates, 'poisson'), 5, chanceOf(seed, 'arrivals 0'));
  assert.equal(draw(1), draw(1));
  assert.not.equal(draw(1), draw(2));
});

test('poisson arrivals are as many as the rate says, spread as chance spreads them', () => {
  const rates = ratesOf([{ kind: 'constant', rps: 200 }]);
  const times = arrivalsOf(plan(rates, 'poisson'), 0, chanceOf(5, 'x'));
  // 12,000 expected with a standard deviation of 110.
  assert.ok(Math.abs(times.length - 12_000) < 440, `${times.length} arrivals`);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  // An exponential distribution deviates by its mean.
  assert.ok(Math.abs(deviation / mean - 1) < 0.05, `${deviation} of ${mean}`);
});

test('uniform arrivals have equal gaps, and the warm-up lies before zero', () => {
  const times = arrivalsOf(plan(ratesOf([{ kind: 'constant', rps: 10 }]), 'uniform'), 1, Math.random);
  assert.ok(Math.abs((times[0] ?? 0) - -900) < 1e-6);
  assert.ok(times.slice(1).every((time, i) => Math.abs(time - (times[i] ?? 0) - 100) < 1e-6));
  assert.ok(Math.abs(times.length - 610) <= 1, `${times.length} arrivals`);
});

test('phases follow each other: ramp, steps, sine, and silence after the last', () => {
  const rates = ratesOf([
    { kind: 'ramp', fromRps: 0, toRps: 100, forS: 10 },
    { kind: 'steps', stepsRps: [10, 20], everyS: 5, forS: 15 },
    { kind: 'sine', meanRps: 50, amplitudeRps: 40, periodS: 20, forS: 20 },
  ]);
  assert.ok(Math.abs(at(rates, 5) - 50.5) < 0.01);
  assert.equal([at(rates, 11), at(rates, 16), at(rates, 24)], [10, 20, 20]);
  assert.ok(Math.abs(at(rates, 30) - 90) < 1);
  assert.ok(Math.abs(at(rates, 40) - 10) < 1);
  assert.is(at(rates, 50), 0);
});

test('an event multiplies the load of its zone until the next one', () => {
  const events = [
    { atS: 10, load: { multiplier: 3 } },
    { atS: 20, load: { multiplier: 1, zone: 'east' } },
    { atS: 30, load: { multiplier: 9, zone: 'west' } },
  ];
  const rates = ratesOf([{ kind: 'constant', rps: 10 }], events);
  assert.equal([at(rates, 5), at(rates, 15), at(rates, 25), at(rates, 35)], [10, 30, 10, 10]);
});

test('a request-rate file is read by column, scaled, sped up, begun at its offset, and begins again when it is over', () => {
  const csv = { path: 'x.csv', column: 'rps', intervalS: 60, scale: 0.5, speedUp: 60, offsetS: 60 };
  const rates = rateSteps(scenario, { zone: 'east', service: 'front', arrivals: 'poisson', csv }, [10, 20, 30]);
  assert.equal([at(rates, 0.5), at(rates, 1.5), at(rates, 2.5), at(rates, 3.5)], [10, 15, 5, 10]);
});

test('a request-rate file is scaled to the mean or the peak of the part that is played', () => {
  const csv = { path: 'x.csv', column: 'rps', intervalS: 1, speedUp: 1, offsetS: 0 };
  const load = { zone: 'east', service: 'front', arrivals: 'poisson' as const };
  // 60 of 100 s are played: 30 rows of 1, then 30 of 3; the rest does not count.
  const rows = [...new Array(30).fill(1), ...new Array(30).fill(3), ...new Array(40).fill(1000)];
  const toMean = rateSteps(scenario, { ...load, csv: { ...csv, meanRps: 40 } }, rows);
  assert.equal([at(toMean, 1.5), at(toMean, 45.5)], [20, 60]);
  const toPeak = rateSteps(scenario, { ...load, csv: { ...csv, peakRps: 90 } }, rows);
  assert.equal([at(toPeak, 1.5), at(toPeak, 45.5)], [30, 90]);
  assert.is(at(rateSteps(scenario, { ...load, csv: { ...csv, peakRps: 90 } }, [0]), 1.5), 0);
});

test('the requests of a run are counted before it begins, warm-up included', () => {
  assert.is(Math.round(countRequests(scenario, [])), 20 * (60 + 5));
});

test('CSV columns are found by name or by number, with or without a header', () => {
  assert.equal(parseRates('time,"rps"\n0,1.5\n1,2\n', 'rps', 'f.csv'), [1.5, 2]);
  assert.equal(parseRates('0,3\r\n1,4\r\n', 1, 'f.csv'), [3, 4]);
  assert.equal(parseRates('t,n\n0,3\n', 1, 'f.csv'), [3]);
  assert.equal(parseRates('time,note,n\n0,"a, b",3\n', undefined, 'f.csv'), [3], 'without a name, the last');
  assert.equal(parseRates('157\n158\n', undefined, 'f.txt'), [157, 158], 'one number a line');
});

test('a CSV file that cannot serve is refused by name, row and column', () => {
  const refusal = (text: string, column?: string | number) => {
    try {
      return String(parseRates(text, column, 'f.csv'));
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.is(refusal('t,n\n0,3\n', 'rps'), 'is "rps", no column of f.csv; it has t, n');
  assert.is(refusal('time,rps\n0,3\n', 'rp'), 'is "rp", no column of f.csv; did you mean rps?');
  assert.is(refusal('0,3\n', 2), 'is 2; f.csv has columns 0 to 1');
  const where = 'where column rps must be a number from 0 up';
  assert.is(refusal('rps\n3\nx\n', 'rps'), `is f.csv, whose line 3 has "x" ${where}`);
  assert.is(refusal('rps\n3\n-1\n', 'rps'), `is f.csv, whose line 3 has "-1" ${where}`);
  assert.is(refusal('t,rps\n0,3\n1\n', 'rps'), `is f.csv, whose line 3 has 1 field ${where}`);
  assert.is(refusal('rps\n', 'rps'), 'is f.csv, which has no row');
  assert.is(refusal('', undefined), 'cannot be found: f.csv is empty');
});

test('a gzipped file is read relative to the scenario', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  try {
    writeFileSync(join(folder, 'rates.csv.gz'), gzipSync('rps\n7\n8\n'));
    const file = { path: 'rates.csv.gz', column: 'rps', intervalS: 1, scale: 1, speedUp: 1, offsetS: 0 };
    assert.equal(readRates(file, [join(folder, 'elsewhere'), folder]), [7, 8]);
    assert.throws(
      () => readRates({ ...file, path: 'rate.csv.gz' }, [folder]),
      /^is rate\.csv\.gz, which does not exist \(looked for .*rate\.csv\.gz\); did you mean rates\.csv\.gz\?$/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
