/** Plugin configurations as Envoy hands them over: right ones in force, wrong ones named in its log and replaced by defaults. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../support/calls.ts';
import { type Json, Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
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

/** Replaces every value under a key, wherever it stands. */
function replaceAll(node: unknown, key: string, value: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const object = node as Json;
  if (key in object) object[key] = value;
  for (const child of Object.values(object)) replaceAll(child, key, value);
}

test('wrong keys are named in the log of each VM and counted, their defaults and the right keys are in force', async () => {
  const proxy = await lab.proxy({
    services: [shop],
    agentPort: agent.port,
    configuration: { sample_interval_ms: 5, agent_cluser: 'x', zone: 'zone-q' },
  });
  const sentences = [
    'weir: plugin configuration: sample_interval_ms must be a whole number from 200 to 60000, not 5; using 1000',
    'weir: plugin configuration: agent_cluser is not known and has no effect; known are agent_cluster',
    'weir: configured with errors; agent cluster weir-agent',
  ];
  for (const sentence of sentences)
    assert.ok(
      proxy.lines().some((line) => line.includes(sentence)),
      sentence,
    );
  agent.deliver([tableOf(shop, { a: 0, b: 10_000 })]);
  await until('both VMs to have the table', () => agent.upToDate() === 2);
  const caller = new Caller(proxy.port);
  assert.is((await caller.call('shop')).servedBy, 'b', 'steers all the same');
  await caller.close();
  await until('the call in samples', () => agent.tally.calls() === 1);
  assert.ok(agent.tally.taken.every(({ configErrors }) => configErrors === 2));
  assert.equal(new Set([...agent.askers.values()].map(({ zone }) => zone)), new Set(['zone-q']));
  await lab.children.kill(proxy.child, 'SIGTERM');
});

/** A proxy whose plugin configuration is a message of this type. */
const startWith = (type: string, value: unknown) =>
  lab.proxy({
    services: [shop],
    agentPort: agent.port,
    change: (bootstrap) => replaceAll(bootstrap, 'configuration', { '@type': `type.googleapis.com/${type}`, value }),
  });

test('what is no JSON object at all leaves every default in force', async () => {
  const proxy = await startWith('google.protobuf.StringValue', 'sample_interval_ms: 200');
  await until('both VMs to ask', () => agent.holding() === 2);
  assert.ok(proxy.lines('warning').some((line) => line.includes('is not a flat JSON object')));
  await lab.children.kill(proxy.child, 'SIGTERM');
});

test('a Struct, which Envoy hands over in its own encoding, is refused with a sentence that says what to write', async () => {
  const proxy = await startWith('google.protobuf.Struct', { sample_interval_ms: 200 });
  await until('both VMs to ask', () => agent.holding() === 2);
  assert.ok(proxy.lines('warning').some((line) => line.includes('Envoy takes it as a google.protobuf.StringValue')));
  await lab.children.kill(proxy.child, 'SIGTERM');
});

test('an agent cluster with a name of Istio’s form is asked', async () => {
  const cluster = 'outbound|15099||weir-agent.weir-system.svc.cluster.local';
  const proxy = await lab.proxy({
    services: [shop],
    agentPort: agent.port,
    configuration: { agent_cluster: cluster },
    change: (bootstrap) => {
      const { clusters } = bootstrap.static_resources as { clusters: Json[] };
      for (const each of clusters) if (each.name === 'weir-agent') each.name = cluster;
    },
  });
  await until('both VMs to ask', () => agent.holding() === 2);
  assert.equal(proxy.lines('warning'), []);
  await lab.children.kill(proxy.child, 'SIGTERM');
});

test('an agent cluster that Envoy does not have is warned of once in each VM, and costs no request', async () => {
  const proxy = await lab.proxy({ services: [shop], agentPort: 1, configuration: { agent_cluster: 'nowhere' } });
  const caller = new Caller(proxy.port);
  assert.equal([...(await caller.burst('shop', 200, 4))], [['a', 200]]);
  const warned = () => proxy.lines('warning').filter((line) => line.includes('the agent does not answer')).length;
  await until('both VMs to warn', () => warned() === 2);
  await caller.close();
});

test.run();
