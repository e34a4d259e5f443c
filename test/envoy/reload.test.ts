/** A new filter comes into a running Envoy: no request fails, the new one has the table, and no call is counted twice. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { before } from '../support/before.ts';
import { useListenerFile, writeListeners } from '../support/bootstrap-edits.ts';
import { Caller } from '../support/calls.ts';
import { Lab, type ProxyOptions } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
const listenerFile = join(lab.directory, 'listeners', 'listeners.json');
const options: ProxyOptions = {
  services: [shop],
  agentPort: agent.port,
  workers: 2,
  configuration: { sample_interval_ms: 200, idle_interval_ms: 1_000, workload: 'first' },
};
const proxy = await lab.proxy({ ...options, change: (bootstrap) => useListenerFile(bootstrap, listenerFile) });

before(test, async () => {
  agent.deliver([tableOf(shop, { a: 0, b: 10_000 })]);
  await until('every VM to have the table', () => agent.upToDate() === 3);
});

test.after(async () => {
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

/** Calls without pause until `done`; answers by status and origin. */
async function callUntil(done: () => boolean): Promise<Map<string, number>> {
  const caller = new Caller(proxy.port, 8);
  const answers = new Map<string, number>();
  const work = async () => {
    while (!done()) {
      const { status, servedBy } = await caller.call('shop');
      const answer = `${status} ${servedBy}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  await caller.close();
  return answers;
}

const workloads = (vms: ReadonlySet<string>) => new Set([...vms].map((vmId) => agent.askers.get(vmId)?.workload));
const vmsSince = (from: number) =>
  new Set(
    agent.tally.taken
      .slice(from)
      .filter(({ steeredCalls }) => steeredCalls > 0)
      .map(({ vmId }) => vmId),
  );

test('a changed plugin configuration is in force with no request failed and none unsteered', async () => {
  const next = lab.bootstrap({ ...options, configuration: { ...options.configuration, workload: 'second' } });
  const before = new Set(agent.askers.keys());
  let isWritten = false;
  let from = Number.POSITIVE_INFINITY;
  const isInForce = () => {
    if (!isWritten) {
      writeListeners(next, listenerFile, '2');
      isWritten = true;
    }
    const hasNew = [...agent.askers.values()].some(({ workload }) => workload === 'second');
    if (hasNew && from === Number.POSITIVE_INFINITY) from = agent.tally.taken.length;
    // On until the workers have told of calls under the new configuration.
    return from !== Number.POSITIVE_INFINITY && vmsSince(from).size === 2;
  };
  const answers = await callUntil(isInForce);
  assert.equal([...answers.keys()], ['200 b']);
  // Envoy keeps the VM, whose code is the same, and configures it anew beside the old one.
  assert.equal(workloads(before), new Set(['second']), 'the same VMs go on under the new name');
  const made = [...answers.values()].reduce((sum, count) => sum + count, 0);
  await until('every call in samples', () => agent.tally.calls() >= made);
  assert.is(agent.tally.calls(), made);
  assert.is(agent.tally.count('droppedCalls'), 0);
});

test('new code runs in VMs of its own, which have the table before long, and no request fails', async () => {
  const before = new Set(agent.askers.keys());
  const wasmPath = join(lab.directory, 'next.wasm');
  copyFileSync(join(lab.wasmPath.replace('weir.wasm', 'weir.debug.wasm')), wasmPath);
  const next = lab.bootstrap({ ...options, wasmPath });
  let isWritten = false;
  const isInForce = () => {
    if (!isWritten) writeListeners(next, listenerFile, '3');
    isWritten = true;
    return [...vmsSince(0)].filter((vmId) => !before.has(vmId)).length === 2;
  };
  const answers = await callUntil(isInForce);
  // Until it has asked, a new VM leaves requests to the plain route, which goes to a.
  const failed = [...answers.keys()].filter((answer) => !['200 a', '200 b'].includes(answer));
  assert.equal(failed, []);
  await until('every VM to have the table', () => agent.upToDate() >= 3);
  const settled = await callUntil(() => true);
  assert.equal(
    [...settled.keys()].filter((answer) => answer !== '200 b'),
    [],
  );
  assert.equal(proxy.lines('warning'), []);
  assert.equal(lab.died, []);
});

test.run();
