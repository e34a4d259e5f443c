/** A trial on live requests: its share, its weights, and samples that keep the two arms apart. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import { Caller } from '../support/calls.ts';
import { chiSquare } from '../support/chi-square.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const CALLS = 6_000;
const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
const proxy = await lab.proxy({ services: [shop], agentPort: agent.port, workers: 2 });
const caller = new Caller(proxy.port);

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

const onTrial = (trialId: number, trialShare: number) =>
  tableOf(shop, { a: 8_000, b: 2_000 }, { trialId, trialShare, trialWeights: { a: 3_000, b: 7_000 } });

/** Calls on [stable a, stable b, trial a, trial b]. */
const arms = (trialId: number): number[] => [
  ...['a', 'b'].map((name) => agent.tally.edge(clusterOf(shop, name)).calls),
  ...['a', 'b'].map((name) => agent.tally.edge(clusterOf(shop, name), 'trial', trialId).calls),
];
const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

test('a trial gets its share of requests by its own weights, told under its own id', async () => {
  agent.deliver([onTrial(41, 2_500)]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
  const served = await caller.burst('shop', CALLS, 8);
  await until('all calls in samples', () => agent.tally.calls() >= CALLS);
  const counts = arms(41);
  assert.is(total(counts), CALLS, `every call is on one of the four edges: ${counts}`);
  const fit = chiSquare(counts, [0.75 * 0.8, 0.75 * 0.2, 0.25 * 0.3, 0.25 * 0.7], 'million');
  assert.ok(fit.statistic < fit.limit, `${counts} has chi-square ${fit.statistic}, limit ${fit.limit}`);
  assert.is((counts[0] ?? 0) + (counts[2] ?? 0), served.get('a'));
  assert.is((counts[1] ?? 0) + (counts[3] ?? 0), served.get('b'));
});

test('the next trial begins with no call of the one before, however late that one ends', async () => {
  agent.deliver([onTrial(42, 10_000)]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
  const waiting: (() => void)[] = [];
  for (const origin of [a, b]) origin.behave((_request, response) => waiting.push(() => response.end()));
  const stragglers = Array.from({ length: 10 }, () => caller.call('shop'));
  await until('the stragglers to be at their backends', () => waiting.length === 10);

  for (const origin of [a, b]) origin.behave((_request, response) => response.end());
  agent.deliver([onTrial(43, 10_000)]);
  await until('every VM to have the next table', () => agent.upToDate() === 3);
  await caller.burst('shop', 200, 4);
  for (const answer of waiting) answer();
  await Promise.all(stragglers);
  const before = CALLS + 10 + 200;
  await until('all calls in samples', () => agent.tally.calls() >= before);
  assert.is(total(arms(42).slice(2)), 10);
  assert.is(total(arms(43).slice(2)), 200);
  assert.is(agent.tally.calls(), before);
});

test('a trial with a share of 0 takes no request', async () => {
  agent.deliver([onTrial(44, 0)]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
  const before = agent.tally.calls();
  await caller.burst('shop', 300, 4);
  await until('all calls in samples', () => agent.tally.calls() >= before + 300);
  assert.is(total(arms(44).slice(2)), 0);
});

test.run();
