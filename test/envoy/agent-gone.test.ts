/** The agent fails in each way there is: requests go on, old weights stay as long as they may, and what was refused is counted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as layout from '../../agent/wire/layout.ts';
import { tableMessage } from '../../agent/wire/table.ts';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const VMS = 2;
const lab = await Lab.open();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
// A port that is free, and at which nobody listens until the agent is started.
let agent = await StandInAgent.start();
const { port } = agent;
await agent.close();
const proxy = await lab.proxy({ services: [shop], agentPort: port });
const caller = new Caller(proxy.port);
const allToB = tableOf(shop, { a: 0, b: 10_000 });
const warnings = (text: string) => proxy.lines('warning').filter((line) => line.includes(text)).length;

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

/** One call after the other until one is served by this origin; every answer on the way must be good. */
async function untilServedBy(name: string): Promise<void> {
  let isServed = false;
  let isCalling = false;
  let fault: string | undefined;
  const call = async () => {
    isCalling = true;
    const { status, servedBy } = await caller.call('shop');
    if (status !== 200) fault = `${status} by ${servedBy}`;
    isServed ||= servedBy === name;
    isCalling = false;
  };
  await until(`a call to be served by ${name}`, () => {
    if (!isCalling && !isServed) void call();
    return isServed || fault !== undefined;
  });
  assert.is(fault, undefined);
}

test('an agent that is not there from the start costs no request: the plain route serves', async () => {
  const served = await caller.burst('shop', 500, 8);
  assert.equal([...served], [['a', 500]]);
  await until('each VM to warn', () => warnings('the agent does not answer') === VMS);
});

test('when it comes, its table is taken and the calls before it are told', async () => {
  agent = await StandInAgent.start(port);
  agent.ttlMs = 3_000;
  agent.deliver([allToB]);
  await until('both VMs to have the table', () => agent.upToDate() === VMS);
  assert.is((await caller.call('shop')).servedBy, 'b');
  await until('all calls in samples', () => agent.tally.calls() >= 501);
  assert.is(agent.tally.calls(), 501);
  await until('an info line that it is back', () => proxy.lines().some((line) => line.includes('answers again')));
});

test('when it is killed, the weights stay until their ttl is over, then the plain route serves', async () => {
  // From here on the ttl runs: a held request is answered first, so that it is whole.
  agent.deliver([allToB, tableOf(routed('other', { a: a.port }), { a: 10_000 })]);
  await until('both VMs to have the table', () => agent.upToDate() === VMS);
  await agent.close();
  assert.is((await caller.call('shop')).servedBy, 'b', 'still steered');
  await untilServedBy('a');
  await until('each VM to warn', () => warnings('the weights are too old') === VMS);
  const served = await caller.burst('shop', 200, 8);
  assert.equal([...served], [['a', 200]]);
});

test('when it is back, steering goes on', async () => {
  agent = await StandInAgent.start(port);
  agent.deliver([allToB], 7);
  await until('both VMs to have the table', () => agent.upToDate() === VMS);
  await untilServedBy('b');
});

test('garbage in place of a table is refused and counted, the weights before it stay and the next table is taken', async () => {
  const good = tableMessage(agent.view, 600_000);
  const bent = Buffer.from(good);
  bent.writeUInt16LE(9_999, layout.TABLE_HEADER_BYTES + layout.SERVICE_BYTES + layout.BACKEND_WEIGHT_AT);
  for (const garbage of [Buffer.alloc(0), Buffer.from('<html>no such page</html>'), good.subarray(0, 40), bent]) {
    const before = agent.tally.count('rejectedTables');
    await until('both VMs to ask', () => agent.holding() === VMS);
    agent.answerAll(garbage);
    await until('both VMs to have counted it', () => agent.tally.count('rejectedTables') === before + VMS);
    assert.is((await caller.call('shop')).servedBy, 'b');
  }
  assert.ok(warnings('refused a table message') >= 4 * VMS);
  agent.deliver([tableOf(shop, { a: 10_000, b: 0 })]);
  await until('both VMs to have the table', () => agent.upToDate() === VMS);
  assert.is((await caller.call('shop')).servedBy, 'a');
});

test('samples that it refuses are sent again until it takes them, and count once', async () => {
  const from = agent.tally.taken.length;
  const isIdle = () => agent.tally.taken.slice(from).filter(({ edges }) => edges.length === 0).length >= VMS;
  await until('all VMs to have told of the calls before', isIdle);
  const before = agent.tally.calls();
  agent.samplesStatus = 503;
  await caller.burst('shop', 300, 4);
  const refused = agent.refused;
  await until('a few refusals', () => agent.refused >= refused + 3);
  agent.samplesStatus = 204;
  await until('the calls in samples', () => agent.tally.calls() >= before + 300);
  assert.is(agent.tally.calls(), before + 300);
  assert.is(agent.tally.count('lostSamples'), 0);
  assert.equal(lab.died, []);
});

test.run();
