/** Where a real Envoy sends what the filter draws, and that no call goes uncounted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import { Caller } from '../support/calls.ts';
import { chiSquare } from '../support/chi-square.ts';
import { Lab } from '../support/lab.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const CALLS = 20_000;
const names = ['a', 'b', 'c', 'd'] as const;

const lab = await Lab.open();
const agent = await StandInAgent.start();
const origins: Origin[] = await Promise.all(names.map((name) => startOrigin(name)));
const ports = Object.fromEntries(origins.map(({ name, port }) => [name, port]));
const shop = routed('shop', ports);
const pair = routed('pair', { a: ports.a ?? 0, b: ports.b ?? 0 });
const proxy = await lab.proxy({ services: [shop, pair], agentPort: agent.port, workers: 2 });
const caller = new Caller(proxy.port, 64);

test.after(async () => {
  await caller.close();
  await lab.close();
  await agent.close();
  await Promise.all(origins.map((origin) => origin.close()));
});

/** Every call that was made has come in, and no VM has more to tell. */
const counted = (calls: number) => until(`${calls} calls in samples`, () => agent.tally.calls() >= calls);

test('exact draws of 20,000 requests follow weights of 50, 30, 19 and 1 %, and each is in the samples of its cluster', async () => {
  agent.deliver([tableOf(shop, { a: 5_000, b: 3_000, c: 1_900, d: 100 })]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
  const served = await caller.burst('shop', CALLS, 32);
  const counts = names.map((name) => served.get(name) ?? 0);
  const fit = chiSquare(counts, [0.5, 0.3, 0.19, 0.01], 'million');
  assert.ok(fit.statistic < fit.limit, `${counts} has chi-square ${fit.statistic}, limit ${fit.limit}`);

  await counted(CALLS);
  assert.equal(
    names.map((name) => agent.tally.edge(clusterOf(shop, name)).outcomes),
    counts.map((count) => [count, 0, 0, 0, 0, 0]),
  );
  assert.is(agent.tally.calls(), CALLS);
  assert.is(agent.tally.count('steeredCalls'), CALLS);
  assert.is(agent.tally.count('droppedCalls'), 0);
  assert.equal(
    origins.map((origin) => origin.served()),
    counts,
  );
  const workers = new Set(agent.tally.taken.filter(({ edges }) => edges.length > 0).map(({ vmId }) => vmId));
  assert.is(workers.size, 2, 'both workers had their part, the main thread none');
});

test('balanced draws keep the weights while nothing is in flight', async () => {
  const before = origins.map((origin) => origin.served());
  agent.deliver([tableOf(shop, { a: 5_000, b: 3_000, c: 1_900, d: 100 }, { draw: 'balanced' })]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
  await caller.burst('shop', 2_000, 1);
  const counts = origins.map((origin, i) => origin.served() - (before[i] ?? 0));
  const fit = chiSquare(counts, [0.5, 0.3, 0.19, 0.01], 'million');
  assert.ok(fit.statistic < fit.limit, `${counts} has chi-square ${fit.statistic}, limit ${fit.limit}`);
});

test('balanced draws spare a backend whose requests do not come back, and return to it when they do', async () => {
  const [stuck, other] = origins;
  if (!stuck || !other) throw new Error('no origins');
  const waiting: (() => void)[] = [];
  stuck.behave((_request, response) => waiting.push(() => response.end('late')));
  agent.deliver([tableOf(pair, { a: 5_000, b: 5_000 }, { draw: 'balanced' })]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
  const crowd = new Caller(proxy.port, 400);
  const calls: Promise<unknown>[] = [];
  const from = other.served();
  for (let i = 1; i <= 400; i++) {
    calls.push(crowd.call('pair'));
    // One after the other, so that each finds those before it in flight or ended.
    await until('the call to have arrived', () => waiting.length + other.served() - from === i);
  }
  const toStuck = waiting.length;
  for (const answer of waiting) answer();
  await Promise.all(calls);
  // One for each of its workers, and some that came while the other still had one.
  assert.ok(toStuck > 0 && toStuck < 400 * 0.1, `${toStuck} of 400 went to the backend that answers nothing`);

  stuck.behave((_request, response) => response.end('ok'));
  const before = [stuck.served(), other.served()];
  await crowd.burst('pair', 1_000, 1);
  await crowd.close();
  const after = [stuck.served() - (before[0] ?? 0), other.served() - (before[1] ?? 0)];
  const fit = chiSquare(after, [0.5, 0.5], 'million');
  assert.ok(fit.statistic < fit.limit, `${after}`);
});

test.run();
