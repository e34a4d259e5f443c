/**
 * What a trap would do, since the filter must have none: a build that traps on purpose, under the failure policy that Weir
 * ships with. If Envoy changes its mind about this, design.md's table is wrong and this suite says so.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { trapping } from '../support/trapping-wasm.ts';
import { until } from '../support/until.ts';

const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });

test.after(async () => {
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

test('a VM that traps costs the requests in flight a 503; then FAIL_OPEN serves by the plain routes and the VM is silent', async () => {
  const wasmPath = join(lab.directory, 'trapping.wasm');
  writeFileSync(wasmPath, trapping(readFileSync(lab.wasmPath), 'proxy_on_response_headers'));
  const proxy = await lab.proxy({ services: [shop], agentPort: agent.port, wasmPath });
  const caller = new Caller(proxy.port);
  agent.deliver([tableOf(shop, { a: 0, b: 10_000 })]);
  await until('both VMs to have the table', () => agent.upToDate() === 2);

  const waiting: (() => void)[] = [];
  b.behave((_request, response) => waiting.push(() => response.end('late')));
  const inFlight = Array.from({ length: 4 }, () => caller.call('shop'));
  await until('four requests to be at their backend', () => waiting.length === 4);
  // The answer to the first is what the filter traps at; those of the others find a VM that has failed.
  waiting.shift()?.();
  assert.is((await Promise.race(inFlight)).status, 503);
  for (const answer of waiting) answer();
  const statuses = (await Promise.all(inFlight)).map(({ status }) => status);
  assert.equal(statuses, [503, 503, 503, 503]);

  b.behave((_request, response) => response.end('ok'));
  const served = await caller.burst('shop', 200, 4);
  assert.equal([...served], [['a', 200]], 'plain routes, no failure');
  assert.ok(proxy.child.isRunning());
  // The main thread's VM goes on and is heard of; the worker's is the one that the controller sees fall silent.
  const from = agent.tally.taken.length;
  const heard = () => agent.tally.taken.slice(from).map(({ vmId }) => vmId);
  await until('three messages of the other VM', () => heard().length >= 3);
  assert.is(new Set(heard()).size, 1);
  await caller.close();
});

test.run();
