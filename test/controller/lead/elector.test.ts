/** Who leads: races, deaths, outages, clocks that disagree. Each candidate has a clock of its own, which stands still when it is dead. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DURATION_MS, Elector, RENEW_WITHIN_MS } from '../../../controller/lead/elector.ts';
import { Lease } from '../../../controller/lead/lease.ts';
import { makeLog } from '../../../controller/log.ts';
import { HandClock } from '../../support/clock.ts';
import { FakeLeases } from './fake-leases.ts';

const test = suite('elector');
const STEP_MS = 50;
/** Between two looks at most. */
const LOOK_MS = 2_400;

interface Candidate {
  readonly elector: Elector;
  readonly clock: HandClock;
  readonly events: string[];
  /** Who each time of leading came after; and 'lost'. */
  readonly told: string[];
}

/** @param aheadMs how far its wall clock is ahead of the others' */
function candidate(api: FakeLeases, identity: string, aheadMs = 0): Candidate {
  const clock = new HandClock();
  const events: string[] = [];
  const told: string[] = [];
  const elector = new Elector({
    lease: new Lease(api, { namespace: 'weir-system', name: 'weir-controller' }),
    identity,
    what: 'Lease weir-system/weir-controller',
    clock: { nowMs: clock.nowMs, after: clock.after, wallMs: () => clock.wallMs() + aheadMs },
    random: () => 0.5,
    log: makeLog('info', { write: (line) => void events.push((JSON.parse(line) as { event: string }).event) }),
    explain: (error) => (error as Error).message,
    onLeading: (before) => told.push(before),
    onLost: () => told.push('lost'),
  });
  return { elector, clock, events, told };
}

/** Lets time pass for those who live. */
async function pass(ms: number, ...living: readonly Candidate[]): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
    for (const { clock } of living) clock.advance(STEP_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A leads, b stands by. */
async function two(api: FakeLeases): Promise<[Candidate, Candidate]> {
  const a = candidate(api, 'a');
  const b = candidate(api, 'b');
  a.elector.start();
  await pass(STEP_MS, a);
  b.elector.start();
  await pass(3_000, a, b);
  assert.equal([a.elector.leader, b.elector.leader], ['a', 'a']);
  return [a, b];
}

test('the first takes it, the second stands by and knows who leads', async () => {
  const api = new FakeLeases();
  const [a, b] = await two(api);
  await pass(60_000, a, b);
  assert.is(api.holder, 'a');
  assert.equal(a.told, ['']);
  assert.equal(b.told, []);
  assert.equal(a.events, ['leading']);
  assert.equal(b.events, ['standby']);
  assert.is(api.transitions, 0);
  assert.is(api.object?.spec?.leaseDurationSeconds, 15);
});

test('of several that want it at the same instant one gets it, as it is new and as it has expired', async () => {
  const api = new FakeLeases();
  const all = ['a', 'b', 'c'].map((name) => candidate(api, name));
  const dead = candidate(api, 'dead');
  const leaders = () => all.filter(({ told }) => told.length > 0).length;
  for (const { elector } of all) elector.start();
  await pass(1_000, ...all);
  assert.is(leaders(), 1);
  api.object = undefined;
  for (const each of all) await each.elector.close();
  const again = ['d', 'e', 'f'].map((name) => candidate(api, name));
  dead.elector.start();
  await pass(STEP_MS, dead);
  for (const { elector } of again) elector.start();
  await pass(DURATION_MS + LOOK_MS, ...again);
  assert.equal(
    again.flatMap(({ told }) => told).filter((told) => told !== 'lost'),
    ['dead'],
  );
  assert.is(api.transitions, 1);
});

test('a leader that dies is followed once its time is up, and not before', async () => {
  const [, b] = await two(new FakeLeases());
  await pass(DURATION_MS - LOOK_MS, b);
  assert.equal(b.told, []);
  await pass(LOOK_MS + STEP_MS, b);
  assert.equal(b.told, ['a']);
});

test('an API server that is away for less than a leader may go without changes nothing', async () => {
  const api = new FakeLeases();
  const [a, b] = await two(api);
  api.isAway = true;
  await pass(RENEW_WITHIN_MS - LOOK_MS - STEP_MS, a, b);
  api.isAway = false;
  await pass(30_000, a, b);
  assert.equal([a.told, b.told], [[''], []]);
  assert.equal(a.events, ['leading', 'lease_unreachable', 'lease_back']);
});

test('away for longer, or silent, the leader ends before another can lead', async () => {
  for (const trouble of ['isAway', 'isSilent'] as const) {
    const api = new FakeLeases();
    const [a, b] = await two(api);
    api[trouble] = true;
    await pass(RENEW_WITHIN_MS + STEP_MS, a, b);
    assert.equal(a.told, ['', 'lost'], trouble);
    assert.is(a.events.at(-1), 'lease_lost');
    assert.equal(b.told, []);
    if (trouble === 'isSilent') continue;
    await pass(60_000, b);
    assert.equal(b.told, [], 'nobody leads without an API server');
    api.isAway = false;
    await pass(LOOK_MS + STEP_MS, b);
    assert.equal(b.told, ['a']);
  }
});

test('clocks that are hours apart do not matter', async () => {
  for (const aheadMs of [-7_200_000, 7_200_000]) {
    const api = new FakeLeases();
    const a = candidate(api, 'a');
    const b = candidate(api, 'b', aheadMs);
    a.elector.start();
    b.elector.start();
    await pass(120_000, a, b);
    assert.equal([a.told, b.told], [[''], []]);
    await pass(DURATION_MS + LOOK_MS, b);
    assert.equal(b.told, ['a']);
  }
});

test('one that is told to stop gives it up, and the next leads at its next look', async () => {
  const api = new FakeLeases();
  const [a, b] = await two(api);
  await a.elector.close();
  assert.is(api.holder, '');
  assert.is(a.events.at(-1), 'lease_released');
  await pass(LOOK_MS + STEP_MS, a, b);
  assert.equal(b.told, ['']);
  assert.equal(a.told, [''], 'that is no loss');
});

test('one that stands by and is told to stop leaves the Lease alone', async () => {
  const api = new FakeLeases();
  const [a, b] = await two(api);
  await b.elector.close();
  await pass(30_000, a, b);
  assert.is(api.holder, 'a');
  assert.equal(b.told, []);
});

test('a Lease that somebody deletes is made anew by whoever looks first, here its holder', async () => {
  const api = new FakeLeases();
  const [a, b] = await two(api);
  api.object = undefined;
  await pass(30_000, a, b);
  assert.is(api.holder, 'a');
  assert.equal([a.told, b.told], [[''], []]);
});

test('one that slept while another took over ends when it wakes', async () => {
  const api = new FakeLeases();
  const [a, b] = await two(api);
  await pass(DURATION_MS + LOOK_MS, b);
  assert.equal(b.told, ['a']);
  await pass(LOOK_MS, a, b);
  assert.equal(a.told, ['', 'lost']);
  assert.is(api.holder, 'b');
});

test.run();
