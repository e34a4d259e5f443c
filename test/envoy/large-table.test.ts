/** A table of 500 services with 1,000 clusters in a real Envoy: taken whole, steered and measured, in memory that is bounded. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const SERVICES = 500;
/** Of the whole Envoy, with two VMs: a table in two regions, 1,000 clusters with their samples, one message. Seen: 20. */
const MOST_GROWTH_MB = 40;

const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const services = Array.from({ length: SERVICES }, (_, i) =>
  routed(`service-${i}.shop.svc.cluster.local`, { a: a.port, b: b.port }),
);
const proxy = await lab.proxy({
  services,
  agentPort: agent.port,
  configuration: { max_clusters: 1_024, sample_interval_ms: 200, idle_interval_ms: 1_000 },
});
const caller = new Caller(proxy.port);

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

/** Resident memory of Envoy, MB. */
function residentMb(): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${proxy.child.pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1_024;
}

const callAll = async () => {
  let next = 0;
  const work = async () => {
    for (let i = next++; i < SERVICES; i = next++) await caller.call(services[i]?.host ?? '');
  };
  await Promise.all(Array.from({ length: 8 }, work));
};

test('every service of it is steered by its own weights and measured from its first call on', async () => {
  await until('both VMs to ask', () => agent.holding() === 2);
  const before = residentMb();
  // Even services go to b alone, odd ones to a alone.
  agent.deliver(services.map((service, i) => tableOf(service, i % 2 ? { a: 10_000, b: 0 } : { a: 0, b: 10_000 })));
  await until('both VMs to have the table', () => agent.upToDate() === 2);
  for (let round = 0; round < 4; round++) await callAll();
  await until('all calls in samples', () => agent.tally.calls() >= SERVICES * 4);

  const wrong = services.filter((service, i) => {
    const [toA, toB] = ['a', 'b'].map((name) => agent.tally.edge(clusterOf(service, name)).calls);
    return i % 2 ? toA !== 4 || toB !== 0 : toA !== 0 || toB !== 4;
  });
  assert.equal(
    wrong.map(({ host }) => host),
    [],
  );
  assert.is(agent.tally.count('steeredCalls'), SERVICES * 4);
  assert.is(agent.tally.count('droppedCalls'), 0);
  assert.is(agent.tally.count('rejectedTables'), 0);
  const grown = residentMb() - before;

  assert.ok(grown < MOST_GROWTH_MB, `${grown.toFixed(1)} MB more than before the table`);
});

test('twenty more tables of that size leave memory where it is', async () => {
  const before = residentMb();
  for (let i = 0; i < 20; i++) {
    agent.deliver(services.map((service) => tableOf(service, { a: 5_000 + i, b: 5_000 - i })));
    await until('both VMs to have the table', () => agent.upToDate() === 2);
  }
  await callAll();
  const grown = residentMb() - before;

  assert.ok(grown < 16, `${grown.toFixed(1)} MB more than after the first`);
  assert.equal(proxy.lines('warning'), []);
});

test.run();
