/**
 * What the end of a call tells, in a real Envoy: by its CEL expression, and by reads where there is none. Which way was gone is
 * not seen from outside, so the other is closed: in builds that ask for the properties, or for the functions, by wrong names.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { withoutNames } from '../support/renamed-wasm.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const READS = ['response\0flags', 'upstream\0request_attempt_count'];
const BY_EXPRESSION = ['facts of a call by one expression'];
const BY_READS = ['facts of a call by three reads'];

const lab = await Lab.open();
const origin = await startOrigin('a');
const shop = routed('shop', { a: origin.port, b: origin.port }, { retries: 2 });

test.after(async () => {
  await lab.close();
  await origin.close();
});

/** A call that retries save and one that breaks in the middle of its body, as a build without these names sees them. */
async function measured(names: readonly string[]) {
  const wasmPath = join(lab.directory, 'renamed.wasm');
  writeFileSync(wasmPath, withoutNames(readFileSync(lab.wasmPath), names));
  const agent = await StandInAgent.start();
  const proxy = await lab.proxy({ services: [shop], agentPort: agent.port, wasmPath });
  const caller = new Caller(proxy.port);
  agent.deliver([tableOf(shop, { a: 0, b: 10_000 })]);
  await until('both VMs to have the table', () => agent.upToDate() === 2);
  let attempts = 0;
  origin.behave((_request, response) => response.writeHead(++attempts < 3 ? 503 : 200).end());
  await caller.call('shop');
  origin.behave((request, response) => {
    response.writeHead(200, { 'content-length': 1_000 });
    response.write('half', () => request.socket.destroy());
  });
  await caller.call('shop').catch(() => {});
  await until('both calls in samples', () => agent.tally.calls() === 2);
  const { outcomes, retries } = agent.tally.edge(clusterOf(shop, 'b'));
  // What each VM says of its way.
  const configured = proxy.lines().filter((line) => line.includes('weir: configured; '));
  const ways = [...new Set(configured.map((line) => line.split('; ').at(-1)))];
  await caller.close();
  await lab.children.kill(proxy.child, 'SIGTERM');
  await agent.close();
  return { outcomes, retries, ways };
}

const right = { outcomes: [1, 0, 0, 0, 1, 0], retries: 2 };

test('the expression gives flags and attempts where the properties cannot be read, in every VM', async () => {
  const { ways, ...seen } = await measured(READS);
  assert.equal(seen, right);
  assert.equal(ways, BY_EXPRESSION);
});

test('without expr_create the reads give the same', async () => {
  const { ways, ...seen } = await measured(['expr_create']);
  assert.equal(seen, right);
  assert.equal(ways, BY_READS);
});

test('an expression that is made and never evaluates costs nothing that is known', async () => {
  const { ways, ...seen } = await measured(['expr_evaluate']);
  assert.equal(seen, right);
  assert.equal(ways, BY_EXPRESSION);
});

test('with both ways closed the flags and the attempts are lost, so the tests above closed what they say', async () => {
  const { ways, ...seen } = await measured([...READS, 'expr_create']);
  assert.equal(seen, { outcomes: [2, 0, 0, 0, 0, 0], retries: 0 });
  assert.equal(ways, BY_READS);
});

test.run();
