/** x-weir-backend, as it arrives at a real backend: only the filter chooses, whatever a client sends. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const HEADER = 'x-weir-backend';
const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
const other = routed('other', { a: a.port, b: b.port });
const proxy = await lab.proxy({ services: [shop, other], agentPort: agent.port });
const caller = new Caller(proxy.port);

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

test('with no table, a header that a client sent is removed and the plain route serves', async () => {
  await until('both VMs to ask', () => agent.holding() === 2);
  const { servedBy, sawBackend } = await caller.call('shop', [HEADER, 'b']);
  assert.equal([servedBy, sawBackend], ['a', 'none']);
});

test('with a table, it is replaced by the backend that was drawn', async () => {
  agent.deliver([tableOf(shop, { a: 0, b: 10_000 })]);
  await until('both VMs to have the table', () => agent.upToDate() === 2);
  for (const sent of [[], [HEADER, 'a'], [HEADER, ''], [HEADER, 'elsewhere']]) {
    const { servedBy, sawBackend } = await caller.call('shop', sent);
    assert.equal([servedBy, sawBackend], ['b', 'b'], `sent ${sent}`);
  }
});

test('sent twice, or in other letters, it is replaced by one', async () => {
  for (const sent of [
    [HEADER, 'a', HEADER, 'a'],
    ['X-Weir-Backend', 'a', HEADER, 'b'],
  ]) {
    const { servedBy, sawBackend } = await caller.call('shop', sent);
    assert.equal([servedBy, sawBackend], ['b', 'b'], `sent ${sent}`);
  }
});

test('for a service that the table does not name it is removed, also when it is sent twice or is large', async () => {
  for (const sent of [
    [HEADER, 'b'],
    [HEADER, 'b', HEADER, 'b'],
    [HEADER, 'b'.repeat(16_350)],
    [HEADER, 'b'.repeat(40_000)],
  ]) {
    const { status, servedBy, sawBackend } = await caller.call('other', sent);
    assert.equal([status, servedBy, sawBackend], [200, 'a', 'none'], `sent ${String(sent).slice(0, 40)}`);
  }
});

test('what was removed or replaced is counted, and each call with it', async () => {
  await until('all calls in samples', () => agent.tally.calls() >= 11);
  assert.is(agent.tally.calls(), 11);
  assert.is(agent.tally.count('strippedHeaders'), 10);
  assert.is(agent.tally.count('steeredCalls'), 6);
});

test('when the table lets go of the service, a header is removed again', async () => {
  agent.deliver([]);
  await until('both VMs to have it', () => agent.upToDate() === 2);
  const { servedBy, sawBackend } = await caller.call('shop', [HEADER, 'b']);
  assert.equal([servedBy, sawBackend], ['a', 'none']);
});

test.run();
