/**
 * What a trap would do, since the filter must have none: a build that traps on purpose, under the failure policy that Weir
 * ships with; and how a proxy is revived, by nothing but a new revision of the plugin. If Envoy changes its mind about this,
 * design.md's table is wrong and this suite says so.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { useListenerFile, writeListeners } from '../support/bootstrap-edits.ts';
import { Caller } from '../support/calls.ts';
import { Lab, type ProxyOptions } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { RealWeir } from '../support/real-weir.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { trapping } from '../support/trapping-wasm.ts';
import { until } from '../support/until.ts';

/** The controller calls a proxy silent after 30 s. */
const SILENT_WITHIN_MS = 60_000;
/** Calls at one time, over connections that Envoy deals out to both workers; so many rounds must go alike in a row. */
const AT_ONCE = 24;
const ROUNDS = 5;

const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });

test.after(async () => {
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

function trappingBuild(name: string): string {
  const wasmPath = join(lab.directory, name);
  writeFileSync(wasmPath, trapping(readFileSync(lab.wasmPath), 'proxy_on_response_headers'));
  return wasmPath;
}

test('a VM that traps costs the requests in flight a 503; then FAIL_OPEN serves by the plain routes and the VM is silent', async () => {
  const wasmPath = trappingBuild('trapping.wasm');
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
  // The main thread's VM goes on and is heard of; the worker's is the one that falls silent.
  const from = agent.tally.taken.length;
  const heard = () => agent.tally.taken.slice(from).map(({ vmId }) => vmId);
  await until('three messages of the other VM', () => heard().length >= 3);
  assert.is(new Set(heard()).size, 1);
  await caller.close();
});

test('the controller says that the proxy went silent; a new revision of the plugin steers again, and it says that too', async () => {
  const weir = await RealWeir.start(lab, shop);
  const listenerFile = join(lab.directory, 'listeners', 'listeners.json');
  const options: ProxyOptions = { services: [shop], agentPort: weir.agentPort, workers: 2 };
  const proxy = await lab.proxy({
    ...options,
    wasmPath: trappingBuild('trapping-at-first.wasm'),
    change: (bootstrap) => useListenerFile(bootstrap, listenerFile),
  });
  await weir.pin({ a: 0, b: 10_000 });
  const steering = () => proxy.lines().filter((line) => line.includes('steering by weights')).length;
  await until('every VM to have weights', () => steering() === 3);

  // Of each round the requests through a worker that has not trapped are sent to b and lost in the trap.
  const caller = new Caller(proxy.port, AT_ONCE);
  const round = async () => {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => caller.call('shop')));
    return new Set(answers.map(({ status, servedBy }) => `${status} ${servedBy}`));
  };
  const onlyIn = (answers: ReadonlySet<string>, wanted: string) => answers.size === 1 && answers.has(wanted);
  const seen = new Set<string>();
  for (let alike = 0; alike < ROUNDS; ) {
    const answers = await round();
    for (const answer of answers) seen.add(answer);
    alike = onlyIn(answers, '200 a') ? alike + 1 : 0;
    assert.not(answers.has('200 b'), 'no call through a VM that traps is answered');
  }
  assert.equal(seen, new Set(['503 undefined', '200 a']), 'those that trapped, and then the plain route');
  const nodeId = 'sidecar~127.0.0.99~cart-node-1.shop~shop.svc.cluster.local';
  await until('the proxy to be called silent', () => weir.said('proxy_silent').length > 0, SILENT_WITHIN_MS);
  assert.equal(weir.said('proxy_silent'), [nodeId]);
  assert.equal(weir.said('proxy_back'), []);

  // The sound build: what an operator does with a WasmPlugin of another url.
  writeListeners(lab.bootstrap(options), listenerFile, '2');
  const deadlineMs = performance.now() + SILENT_WITHIN_MS;
  for (let alike = 0; alike < ROUNDS; ) {
    if (performance.now() > deadlineMs) throw new Error('the new revision steers nothing to b');
    const answers = await round();
    const failed = [...answers].filter((answer) => !answer.startsWith('200 '));
    assert.equal(failed, [], 'no request is lost while the new revision comes in');
    alike = onlyIn(answers, '200 b') ? alike + 1 : 0;
  }
  await until('the proxy to be called back', () => weir.said('proxy_back').length > 0, SILENT_WITHIN_MS);
  assert.equal(weir.said('proxy_back'), [nodeId]);
  assert.equal(weir.said('proxy_silent'), [nodeId], 'and not silent once more');
  assert.equal(lab.died, []);
  await caller.close();
});

test.run();
