/** The pure parts of the benchmark of what the filter costs: arguments, statistics, order of turns, figures, refusal. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../../support/random.ts';
import { FOREIGN_RATIO } from '../measure/machine.ts';
import { parseArguments } from './arguments.ts';
import { figuresOf, jsonOf, linesOf } from './figures.ts';
import { luaSource } from './filters.ts';
import { arrivals } from './load.ts';
import { coresOf } from './pin.ts';
import { isDisturbed, type Measured, type Round } from './rounds.ts';
import { median, orderOf, pairedDifferences, quantile, ratioOf, spreadOf } from './statistics.ts';
import { names, type VariantName, weights } from './variants.ts';

const ADDED: Readonly<Record<VariantName, number>> = { none: 0, empty: 4, lua: 10, sdkClasses: 40, weir: 12 };

/** A round on a machine that is `slowUs` slower for all alike. */
function round(slowUs: number): Round {
  const measured = (name: VariantName): Measured => ({
    cpuUs: 60 + slowUs + ADDED[name],
    halfLoadCpuUs: 80 + slowUs + ADDED[name],
    p50Ms: 0.2 + ADDED[name] / 1_000,
    p99Ms: 1 + ADDED[name] / 500,
  });
  const of = Object.fromEntries(names.map((name) => [name, measured(name)])) as Round['of'];
  return { of, foreignRatio: 0, halfLoadRps: 3_000, reports: 1 };
}

test('what slows all variants of a round alike is in no figure', () => {
  const figures = figuresOf([0, 30, 5, 80].map(round), seeded(1));
  assert.is(figures.added.weir.cpuUs.median, 12);
  assert.is(figures.added.weir.cpuUs.low, 12);
  assert.is(figures.ratio.lua.median, 1.2);
  assert.is(figures.ratio.sdkClasses.median, 0.3);
});

test('--json has the added microseconds of each variant, the ratios, and the latency that Weir adds', () => {
  const json = jsonOf(figuresOf([0, 1, 2].map(round), seeded(1)));
  assert.equal(json.addedCpuUs, { empty: 4, lua: 10, sdkClasses: 40, weir: 12 });
  assert.equal(json.ratio, { lua: 1.2, sdkClasses: 0.3 });
  assert.equal([json.addedP50Ms, json.addedP99Ms, json.rounds], [0.012, 0.024, 3]);
});

test('the table has a line of each variant and both ratios', () => {
  const lines = linesOf(figuresOf([round(0)], seeded(1))).join('\n');
  assert.match(lines, /Weir: steers, measures, reports +\+12\.0 \(12\.0 to 12\.0\)/);
  assert.match(lines, /Weir adds 1\.20 \(1\.20 to 1\.20\) times what Lua adds, 0\.30/);
});

test('middles and quantiles lie between values in proportion; nothing has none', () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([1, 2]), 1.5);
  assert.is(quantile([0, 10], 0.99), 9.9);
  assert.throws(() => median([]), RangeError);
  assert.equal(pairedDifferences([5, 7], [1, 2]), [4, 5]);
  assert.throws(() => pairedDifferences([1], [1, 2]), /1 rounds cannot be paired with 2/);
});

test('a spread holds the middle, and is wider where rounds differ more', () => {
  const narrow = spreadOf([9, 10, 11, 10, 9, 11], seeded(1));
  const wide = spreadOf([0, 10, 20, 10, 0, 20], seeded(1));
  assert.ok(narrow.low <= narrow.median && narrow.median <= narrow.high);
  assert.ok(wide.high - wide.low > narrow.high - narrow.low);
});

test('a ratio is of middles, so one round whose denominator is near 0 does not decide it', () => {
  assert.is(ratioOf([12, 12, 12], [10, 0.001, 10], seeded(1)).median, 1.2);
});

test('after ten rounds each of five variants has had each place twice', () => {
  const places = Array.from({ length: 10 }, (_, i) => orderOf(names, i));
  for (const name of names) {
    for (let place = 0; place < names.length; place += 1) {
      assert.is(places.filter((order) => order[place] === name).length, 2, `${name} at place ${place}`);
    }
  }
});

test('arrivals ascend, and come at the rate that was asked for', () => {
  const dueMs = arrivals(1_000, 20, seeded(1));
  assert.ok(Math.abs(dueMs.length - 20_000) < 5 * Math.sqrt(20_000), `${dueMs.length}`);
  assert.ok(dueMs.every((due, i) => due >= (dueMs[i - 1] ?? 0) && due < 20_000));
});

test('a round is disturbed when others took too much of the machine, or when nobody can say', () => {
  assert.is(isDisturbed({ foreignRatio: FOREIGN_RATIO }), false);
  assert.is(isDisturbed({ foreignRatio: FOREIGN_RATIO + 0.01 }), true);
  assert.is(isDisturbed({ foreignRatio: null }), true);
});

test('two cores are the first and the last that may be used; one alone is none', () => {
  assert.equal(coresOf('0-3,8'), [0, 8]);
  assert.equal(coresOf('2,5'), [2, 5]);
  assert.equal(coresOf('4'), []);
  assert.equal(coresOf(''), []);
});

test('the Lua filter draws from the weights that the others have', () => {
  const source = luaSource();
  assert.ok(
    source.includes(
      `local names = { ${Object.keys(weights)
        .map((name) => `"${name}"`)
        .join(', ')} }`,
    ),
  );
  assert.ok(source.includes(`local weights = { ${Object.values(weights).join(', ')} }`));
});

test('arguments have defaults, and what is wrong is one sentence', () => {
  assert.equal(parseArguments([]), { isHelp: false, rounds: 14, requests: 6_000, seconds: 2, json: undefined });
  assert.is(parseArguments(['--rounds', '40', '--json', 'x.json']).rounds, 40);
  assert.throws(() => parseArguments(['--rounds', '1']), /^--rounds is 1; it must be an integer from 4 to 200$/);
  assert.throws(() => parseArguments(['fast']), /^fast belongs to no option; see --help$/);
});

test.run();
