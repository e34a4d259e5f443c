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
  assert.is(Math.round(rising.growthBytes / MIB), 20);
  const flat = growthOf(
    every5s(361, (atS) => (atS < 600 ? 50 * MIB : 100 * MIB) + (atS % 60 === 0 ? 30 * MIB : 0)),
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

/** Ten calls a second for a minute: those to the broken backend by the share at each second. */
function recovered(shareAt: (second: number) => number, relievedFor: readonly string[] | undefined = []): Recovery {
  const planned = planFaults(demo, 2);
  const [fault] = faultsOf(soakScenario(demo, planned));
  const [first] = planned;
  if (!fault || !first) throw new Error('nothing is planned');
  const [tally, near, far] = [new Tally(), new Tally(), new Tally()];
  const other = fault.siblings.find((cluster) => cluster !== fault.cluster) ?? '';
  for (let second = -10; second < 62; second++) {
    for (let i = 0; i < 10; i++) {
      const cluster = i < 10 * shareAt(second) ? fault.cluster : other;
      const call = { cluster, status: 200, latencyMs: 1 };
      for (const each of [tally, near]) each.add(call, second * 1_000 + i * 100);
      // However many call from elsewhere and never used it, it is nothing to them.
      if (second > 30) for (const each of [tally, far]) each.add({ ...call, cluster: other }, second * 1_000 + i * 100);
    }
  }
  const tallies = new Map([
    ['zone-a', near],
    ['zone-b', far],
  ]);
  return recoveryOf(tally, tallies, first, fault, 62_000, relievedFor);
}

test('a share that comes back is no problem, one that stays away is said', () => {
  const back = recovered((second) => (second >= 3 && second < 30 ? 0 : 0.5));
  const afterS = backAfterS(back);
  assert.ok(afterS !== undefined && afterS > 10 && afterS < 20, `${afterS}`);
  assert.equal(recoveryProblems([back]), []);
  const stuck = recovered((second) => (second < 3 ? 0.5 : 0));
  assert.equal(recoveryProblems([stuck]), [
    'storefront/a (slow, minute 1) did not come back for callers in zone-a before the next fault: 50 % of their calls before, 0 % after its healing',
  ]);
});

test('a relief that is still in force at the end of the minute is said, and so is a controller that is silent', () => {
  assert.equal(recoveryProblems([recovered(() => 0.5, ['zone-b'])]), [
    'storefront/a (slow, minute 1) was still held in relief for zone-b',
  ]);
  const { relievedFor: _, ...rest } = recovered(() => 0.5);
  assert.equal(recoveryProblems([{ ...rest, relievedFor: undefined }]), [
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
