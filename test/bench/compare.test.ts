/** The pure parts of the comparison: arguments, middles and ratios, keys of runs, refusal, and that every scenario here parses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../deploy/local/root.ts';
import { parseScenario } from '../../deploy/local/scenario/parse.ts';
import { readScenario } from '../../deploy/local/scenario/read.ts';
import { routesOf } from '../../deploy/local/scenario/routes.ts';
import { parseArguments } from './arguments.ts';
import { fileNameOf, type RunKey } from './cache.ts';
import { compareRuns, median } from './compare.ts';
import { jobsOf, refusalOf } from './jobs.ts';
import type { Figures } from './measure/figures.ts';
import { foreignRatio, machineDoubts, readMachine } from './measure/machine.ts';
import type { RunRecord } from './measure/run.ts';
import { setUpNamed, setUps } from './peers/set-ups.ts';
import { plotOf } from './report/plot.ts';

const folder = join(packageRoot, 'test', 'bench', 'scenarios');

function record(setUp: string, figures: Partial<Figures>, doubts: readonly string[] = []): RunRecord {
  const all: Figures = {
    ...{ requestCount: 100, goodputRps: 50, p50Ms: 10, p90Ms: 20, p99Ms: 100, errorRatio: 0 },
    ...{ crossZoneShare: 0, faultCount: 1, reliefS: 3 },
    ...figures,
  };
  const trust = { foreignRatio: 0 } as RunRecord['trust'];
  return { scenario: 's', setUp, seed: 1, figures: all, series: [], trust, doubts, decisions: [], lost: [] };
}

test('ratios are to the best peer, and a quantile among failures counts as worse than any', () => {
  const runs = [
    record('static', { p99Ms: null, goodputRps: 40 }),
    record('least-request', { p99Ms: 80, goodputRps: 45 }),
    record('weir', { p99Ms: 60, goodputRps: 54 }),
  ];
  const { policies } = compareRuns('s', runs, (name) => name !== 'weir');
  assert.equal(policies.weir?.ratioToBestPeer, { p99: 0.75, goodput: 1.2 });
  assert.equal(policies.static?.ratioToBestPeer.p99, null);
  assert.equal(Object.keys(policies), ['static', 'least-request', 'weir']);
});

test('repeats give the middle and the ends', () => {
  const runs = [80, 60, 100].map((p99Ms) => record('weir', { p99Ms }));
  const { policies } = compareRuns('s', runs, () => true);
  assert.is(policies.weir?.p99Ms, 80);
  assert.equal(policies.weir?.spread.p99Ms, [60, 100]);
  assert.is(median([3, null, 1]), 3);
  assert.is(median([null, null, 1]), null);
});

test('a chart has a line per set-up and, below it, one per backend, and a gap where p99 falls among failures, and what happened', () => {
  const series = [1, 2, 3].map((atS) => ({ atS, p99Ms: atS === 2 ? null : 50, shares: { 'shop/a': 0.75 } }));
  const events = [{ atS: 2, backend: 'shop/a', change: { errorRatio: 1 }, note: 'a breaks' }];
  const svg = plotOf({ name: 'a < b', events }, [
    { ...record('weir', {}), series },
    { ...record('static', {}), series },
  ]);
  assert.match(svg, /^<svg /);
  for (const text of ['a &lt; b', '>weir<', '>static<', '>shop/a<', 'static: shares', '>a breaks<'])
    assert.ok(svg.includes(text), text);
});

test('a doubtful run keeps its scenario from being reported', () => {
  assert.equal(refusalOf([record('static', {}), record('weir', {}, ['too busy', 'late']), record('x', {}, ['late'])]), [
    'too busy',
    'late',
  ]);
});

test('processor time that is not the mesh’s is foreign, and too much of it is a doubt', () => {
  const from = { totalMs: 1_000, usedMs: 500, ownMs: 400 };
  const to = { totalMs: 3_000, usedMs: 1_500, ownMs: 1_100 };
  assert.is(foreignRatio(from, to), 0.15);
  assert.is(foreignRatio(undefined, to), null);
  const doubts = machineDoubts({ foreignRatio: 0.15 } as Parameters<typeof machineDoubts>[0], 'weir');
  assert.ok(doubts.some((doubt) => /other processes took 15 % of the machine in the weir run/.test(doubt)));
});

test('what children of this process use is its own, while they run and once they ended', async () => {
  const before = readMachine();
  const busy = spawn(process.execPath, ['-e', 'const end = Date.now() + 600; while (Date.now() < end);']);
  await sleep(400);
  const during = readMachine();
  await once(busy, 'exit');
  const after = readMachine();
  // Without /proc there is nothing to see.
  if (!before || !during || !after) return;
  assert.ok(during.ownMs - before.ownMs >= 100, `${during.ownMs - before.ownMs} ms while it ran`);
  assert.ok(after.ownMs >= during.ownMs, `${after.ownMs} ms once it ended, ${during.ownMs} before`);
});

test('every repeat has all set-ups one after the other, each with the seed of the repeat', () => {
  const read = readScenario(join(folder, 'steady.yaml'), packageRoot);
  const jobs = jobsOf([read], () => setUps.slice(0, 2), 2, 7);
  assert.equal(
    jobs.map(({ setUp, seed }) => `${setUp.name} ${seed}`),
    ['static 7', 'round-robin 7', 'static 8', 'round-robin 8'],
  );
});

test('whatever figures depend on gives a run another name', () => {
  const key: RunKey = {
    scenario: { a: 1 },
    rates: [],
    setUp: { name: 'weir' },
    seed: 1,
    build: 'b',
    envoyVersion: '1',
  };
  const name = fileNameOf('s', 'weir', key);
  assert.is(fileNameOf('s', 'weir', { ...key }), name);
  const others: Partial<RunKey>[] = [
    { scenario: { a: 2 } },
    { rates: [[1]] },
    { setUp: {} },
    { build: 'c' },
    { envoyVersion: '2' },
  ];
  for (const other of others) assert.is.not(fileNameOf('s', 'weir', { ...key, ...other }), name);
});

test('lists of files and policies follow their option, and what is wrong is one sentence', () => {
  const asked = parseArguments(['--scenario', 'a.yaml', 'b.yaml', '--policies', 'weir,static', '--repeat', '3']);
  assert.equal([asked.scenarios, asked.policies, asked.repeat], [['a.yaml', 'b.yaml'], ['weir', 'static'], 3]);
  assert.throws(() => parseArguments([]), /^nothing to run: give --all or --scenario FILE$/);
  assert.throws(() => parseArguments(['--all', '--repeat', '0']), /--repeat is 0; it must be an integer from 1 to 100/);
  assert.throws(
    () => setUpNamed('least-requst'),
    /--policies has least-requst, which is not known; did you mean least-request\?/,
  );
  assert.is(setUpNamed('weir:inverse-latency').policy, 'inverse-latency');
});

test('every scenario here parses, and has something to steer', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  assert.ok(files.length >= 9, `${files.length}`);
  for (const file of files) {
    // The rates of a recorded one lie outside the repository.
    const scenario = parseScenario(readFileSync(join(folder, file), 'utf8'), file);
    assert.ok(routesOf(scenario).length > 0, file);
    assert.is(scenario.name, file.replace('.yaml', ''));
  }
});

test.run();
