/** Held requests through a real Envoy: what the agent decides is in force in every VM at once, also after it was away. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const VMS = 3;
const lab = await Lab.open();
let agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
const proxy = await lab.proxy({ services: [shop], agentPort: agent.port, workers: VMS - 1 });
const caller = new Caller(proxy.port);

const allToA = tableOf(shop, { a: 10_000, b: 0 });
const allToB = tableOf(shop, { a: 0, b: 10_000 });

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

/** On as many connections as reach both workers. */
const served = async () => [...(await caller.burst('shop', 200, 16)).keys()];

test('each VM asks with one request, says who it is, and waits', async () => {
  await until('every VM to ask', () => agent.holding() === VMS);
  assert.is(agent.asked, VMS);
  const askers = [...agent.askers.values()];
  const wanted = {
    nodeId: 'sidecar~127.0.0.99~cart-node-1.shop~shop.svc.cluster.local',
    workload: 'cart',
    namespace: 'shop',
    zone: 'zone-a',
  };
  assert.equal(
    askers,
    Array.from({ length: VMS }, () => wanted),
  );
});

test('each table reaches every VM by the request that it holds, with none in between', async () => {
  for (const [table, name] of [
    [allToB, 'b'],
    [allToA, 'a'],
    [allToB, 'b'],
  ] as const) {
    const before = agent.asked;
    agent.deliver([table]);
    await until('every VM to have the table', () => agent.upToDate() === VMS);
    assert.is(agent.asked - before, VMS, 'each asked once more, with what it now has');
    assert.equal(await served(), [name]);
  }
});

test('tables that follow each other closely end with the last one in force everywhere', async () => {
  for (let i = 0; i < 50; i++) agent.deliver([tableOf(shop, { a: i * 100, b: 10_000 - i * 100 })]);
  agent.deliver([allToA]);
  await until('every VM to have the last table', () => agent.upToDate() === VMS);
  assert.equal(await served(), ['a']);
  assert.is(agent.tally.count('rejectedTables'), 0);
});

test('an agent that is gone changes nothing, and one that comes back with a newer table is heard', async () => {
  const { port } = agent;
  await agent.close();
  assert.equal(await served(), ['a'], 'the table stays in force');
  agent = await StandInAgent.start(port);
  agent.deliver([allToB], 1_000);
  await until('every VM to have the new table', () => agent.upToDate() === VMS);
  assert.equal(await served(), ['b']);
});

test('an agent that comes back with the same table has it confirmed, not sent again', async () => {
  const { port, view } = agent;
  await agent.close();
  agent = await StandInAgent.start(port);
  agent.deliver([allToB], 1_000);
  assert.is(agent.view.viewId, view.viewId);
  await until('every VM to be held', () => agent.upToDate() === VMS);
  assert.is(agent.asked, VMS);
});

test('calls made while the agent was away are told when it is back, each once', async () => {
  const { port } = agent;
  await until(
    'an idle message of each VM',
    () => new Set(agent.tally.taken.filter(({ edges }) => edges.length === 0).map(({ vmId }) => vmId)).size === VMS,
  );
  await agent.close();
  await caller.burst('shop', 1_000, 8);
  agent = await StandInAgent.start(port);
  agent.deliver([allToB], 1_000);
  await until('the calls in samples', () => agent.tally.calls() >= 1_000);
  await until('every VM to be held', () => agent.upToDate() === VMS);
  assert.is(agent.tally.calls(), 1_000);
  assert.is(agent.tally.count('droppedCalls') + agent.tally.count('lostSamples'), 0);
});

test.run();
