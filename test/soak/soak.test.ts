/** What a soak plans and how it judges: made-up samples and calls, no mesh. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../deploy/local/root.ts';
import { readScenario } from '../../deploy/local/scenario/read.ts';
import { faultsOf } from '../../deploy/local/show/faults.ts';
import { Tally } from '../../deploy/local/show/tally.ts';
import { parseArguments } from './arguments.ts';
import { type Growth, growthOf, growthProblems, kindOf, LIMIT_BYTES, warmS } from './memory.ts';
import { planFaults, soakScenario } from './plan.ts';
import { markedProcesses } from './processes.ts';
import { backAfterS, type Recovery, recoveryOf, recoveryProblems } from './recovery.ts';

const MIB = 1024 * 1024;
const { scenario: demo } = readScenario(join(packageRoot, 'deploy', 'local', 'scenarios', 'demo.yaml'), packageRoot);

test('33 minutes break each of the eleven steered backends in each of three ways, and heal it before the next', () => {
  const planned = planFaults(demo, 33);
  assert.is(new Set(planned.map(({ backend, kind }) => `${backend} ${kind}`)).size, 33);
  assert.is(new Set(planned.map(({ backend }) => backend)).size, 11);
  const scenario = soakScenario(demo, planned);
  assert.is(scenario.durationS, 33 * 60);
  const faults = faultsOf(scenario);
  assert.equal(
    faults.map(({ backend }) => backend),
    planned.map(({ backend }) => backend),
  );
  for (const [minute, { brokenMs, healedMs }] of faults.entries()) {
    assert.equal([brokenMs, healedMs], [minute * 60_000 + 2_000, minute * 60_000 + 22_000]);
  }
});

const every5s = (count: number, bytesAt: (atS: number) => number) =>
  Array.from({ length: count }, (_, i) => ({ atS: i * 5, bytes: bytesAt(i * 5) }));

test('growth is the slope after warm-up times its length, whatever single samples and the warm-up did', () => {
  const rising = growthOf(
    every5s(361, (atS) => 100 * MIB + (atS / 60) * MIB),
    warmS(1_800),
  );
  assert.is(Math.round(rising.growthBytes / MIB), 15);
  const flat = growthOf(
    every5s(361, (atS) => (atS < 900 ? 50 * MIB : 100 * MIB) + (atS % 60 === 0 ? 30 * MIB : 0)),
    warmS(1_800),
  );
  assert.is(flat.growthBytes, 0);
  assert.is(flat.mostBytes, 130 * MIB);
  assert.is(
    growthOf(
      every5s(361, () => 400 * MIB),
      600,
    ).limitBytes,
    20 * MIB,
  );
  assert.is(flat.limitBytes, LIMIT_BYTES);
});

test('what grows is named with its figures; apps and load are not judged; too few samples are no proof', () => {
  const growth = (name: string, growthBytes: number, sampleCount = 100): Growth => ({
    ...{ name, kind: kindOf(name), pid: 1, medianBytes: 100 * MIB, mostBytes: 100 * MIB, growthBytes, sampleCount },
    limitBytes: LIMIT_BYTES,
  });
  const problems = growthProblems([
    growth('controller', 9 * MIB),
    growth('agent@node-a', 7 * MIB),
    growth('shop@node-a', 0, 2),
    growth('apps@node-a', 90 * MIB),
    growth('load', 90 * MIB),
  ]);
  assert.equal(problems, [
    'controller grew by 9.0 MiB after warm-up, from about 100.0 MiB; it may by 8.0 MiB',
    'shop@node-a has 2 samples after warm-up, too few to judge',
  ]);
});

interface Told {
  readonly second: number;
  readonly kind: string;
  readonly to: number;
}

const FULL = 5_000;
const falls: Told = { second: 3, kind: 'relief', to: 200 };
const rises: Told = { second: 30, kind: 'recovery', to: FULL };

/** A minute in which the controller did what it is told, and callers followed `shareAt`. */
function recovered(
  told: readonly Told[],
  shareAt: (second: number) => number,
  { relievedFor = [], loadRps = 20 }: { relievedFor?: readonly string[] | undefined; loadRps?: number } = {},
): Recovery {
  const planned = planFaults(demo, 2);
  const [fault] = faultsOf(soakScenario(demo, planned));
  const [first] = planned;
  if (!fault || !first) throw new Error('nothing is planned');
  const [tally, near, far] = [new Tally(), new Tally(), new Tally()];
  const other = fault.siblings.find((cluster) => cluster !== fault.cluster) ?? '';
  for (let second = -10; second < 62; second++) {
    for (let i = 0; i < loadRps; i++) {
      const cluster = i < loadRps * shareAt(second) ? fault.cluster : other;
      const call = { cluster, status: 200, latencyMs: 1 };
      for (const each of [tally, near]) each.add(call, second * 1_000 + (i * 1_000) / loadRps);
    }
  }
  let weight = FULL;
  const decisions = told.map(({ second, kind, to }, id) => {
    const from = weight;
    weight = to;
    return {
      ...{ id, atMs: second * 1_000, kind, service: 'storefront:80', group: 'zone-a', why: '' },
      ...{ from: { a: from, b: 10_000 - from }, to: { a: to, b: 10_000 - to } },
    };
  });
  const tallies = new Map([
    ['zone-a', near],
    ['zone-b', far],
  ]);
  return recoveryOf({ tally, tallies, decisions, zeroWallMs: 0 }, first, fault, 62_000, relievedFor);
}

const follow = (second: number) => (second >= 3 && second < 30 ? 0.02 : 0.5);

test('a weight that comes back is no problem, one that stays away is said', () => {
  const back = recovered([falls, rises], follow);
  assert.is(backAfterS(back), 8);
  assert.equal(recoveryProblems([back]), []);
  const stuck = recovered([falls], (second) => (second < 3 ? 0.5 : 0.02));
  assert.is(backAfterS(stuck), undefined);
  assert.equal(recoveryProblems([stuck]), [
    'storefront/a (slow, minute 1) did not come back for zone-a before the next fault: it had 50 %, and was given 2 %',
  ]);
  const fallen = recovered([falls, rises, { second: 40, kind: 'relief', to: 200 }], follow);
  assert.match(recoveryProblems([fallen]).join(), /it had 50 %, and was given 2 %/);
});

test('what a trial moves is not relief, and a backend that nobody relieved has nothing to come back from', () => {
  const moved = recovered([falls, rises, { second: 45, kind: 'trial', to: 1_000 }], follow);
  assert.equal(recoveryProblems([moved]), []);
  assert.equal(recoveryProblems([recovered([], () => 0.5)]), []);
});

test('a weight that callers do not follow is said', () => {
  const ignored = recovered([falls, rises], (second) => (second < 3 ? 0.5 : 0.02));
  assert.match(recoveryProblems([ignored]).join(), /was given back 50 % for zone-a, and 5 % of its calls came to it/);
});

test('a zone that hardly calls is not judged', () => {
  assert.equal(recoveryProblems([recovered([falls], () => 0.02, { loadRps: 10, relievedFor: ['zone-a'] })]), []);
});

test('a relief that is still in force at the end of the minute is said, and so is a controller that is silent', () => {
  assert.equal(recoveryProblems([recovered([], () => 0.5, { relievedFor: ['zone-b'] })]), [
    'storefront/a (slow, minute 1) was still held in relief for zone-b',
  ]);
  const silent = { ...recovered([], () => 0.5), relievedFor: undefined };
  assert.equal(recoveryProblems([silent]), [
    'the controller did not say whether storefront/a (slow, minute 1) is still held in relief',
  ]);
});

test('a mark that nobody has finds nobody', () => {
  assert.equal(markedProcesses('nobody has this mark'), []);
});

test('the length is 30 minutes unless it is said, within bounds', () => {
  assert.is(parseArguments([]).minutes, 30);
  assert.is(parseArguments(['--minutes', '4']).minutes, 4);
  assert.throws(() => parseArguments(['--minutes', '1']), /--minutes is 1; it must be an integer from 2 to 120/);
});

test.run();
