/** Proxies: what counts once, whose word on requests in flight is believed, what is told of each. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FORGET_AFTER_MS, Proxies } from '../../../agent/aggregate/proxies.ts';
import type { Samples } from '../../../agent/wire/samples.ts';
import { callerOf, edgeOf, samplesOf } from '../sketch.ts';

const proxy = { nodeId: 'sidecar~1', caller: callerOf() };
const vm = (vmId: string, sequence: number, more: Partial<Samples> = {}) =>
  samplesOf(more.edges ?? [], { vmId: vmId.padStart(16, '0'), sequence, ...more });

function inFlight(proxies: Proxies, nowMs: number): [cluster: string, level: number][] {
  const told: [string, number][] = [];
  proxies.eachInFlight(nowMs, (_key, _caller, cluster, level) => told.push([cluster, level]));
  return told;
}

test('a message that was here before is replayed, a newer one counts', () => {
  const proxies = new Proxies();
  assert.is(proxies.note(proxy, vm('a', 1), 0), 'new');
  assert.is(proxies.note(proxy, vm('a', 1), 10), 'replayed');
  assert.is(proxies.note(proxy, vm('a', 3), 20), 'new');
  assert.is(proxies.note(proxy, vm('a', 2), 30), 'replayed');
  assert.is(proxies.report(1_030)[0]?.silentMs, 1_000);
});

test('a VM that restarted has another id and begins anew', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 9), 0);
  assert.is(proxies.note(proxy, vm('b', 1), 0), 'new');
  assert.is(proxies.report(0).length, 1);
});

test('counters are added up over the workers of a proxy and told once', () => {
  const proxies = new Proxies();
  const counts = { droppedCalls: 1, lostSamples: 2, strippedHeaders: 3, steeredCalls: 4, rejectedTables: 5 };
  proxies.note(proxy, vm('a', 1, counts), 0);
  proxies.note(proxy, vm('b', 1, counts), 0);
  proxies.note(proxy, vm('b', 2, { ...counts, configErrors: 6 }), 0);
  const [told] = proxies.report(0);
  const { droppedCalls, lostSamples, strippedHeaders, steeredCalls, rejectedTables, configErrors } = told ?? {};
  assert.equal(
    [droppedCalls, lostSamples, strippedHeaders, steeredCalls, rejectedTables, configErrors],
    [3, 6, 9, 12, 15, 6],
  );
  assert.is(proxies.report(0)[0]?.droppedCalls, 0);
});

test('a proxy is at the table of the worker that is furthest behind, as long as that one is alive', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 1, { tableEpoch: 2, tableNumber: 1 }), 0);
  proxies.note(proxy, vm('b', 1, { tableEpoch: 1, tableNumber: 7 }), 0);
  const version = (nowMs: number) => {
    const [told] = proxies.report(nowMs);
    return [told?.tableEpoch, told?.tableNumber];
  };
  assert.equal(version(0), [1, 7]);
  proxies.note(proxy, vm('a', 2, { tableEpoch: 2, tableNumber: 3 }), 31_000);
  assert.equal(version(31_000), [2, 3]);
});

test('the last word on requests in flight counts, once, as long as it is fresh', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 1, { edges: [edgeOf({ inFlight: 3 }), edgeOf({ cluster: 'shop-b', inFlight: 1 })] }), 0);
  proxies.note(proxy, vm('b', 1, { edges: [edgeOf({ inFlight: 2 })] }), 0);
  assert.equal(inFlight(proxies, 1_000), [
    ['shop-a', 3],
    ['shop-b', 1],
    ['shop-a', 2],
  ]);
  proxies.note(proxy, vm('a', 2, { edges: [edgeOf({ inFlight: 5 })] }), 1_000);
  assert.equal(inFlight(proxies, 2_000), [
    ['shop-a', 5],
    ['shop-a', 2],
  ]);
  assert.equal(inFlight(proxies, 6_000), [['shop-a', 5]]);
  assert.equal(inFlight(proxies, 6_001), []);
});

test('a filter that speaks seldom is believed for three of its intervals', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 1, { intervalMs: 20_000, edges: [edgeOf({ inFlight: 3 })] }), 0);
  assert.is(inFlight(proxies, 60_000).length, 1);
  assert.is(inFlight(proxies, 60_001).length, 0);
});

test('a silent VM is told of until it is forgotten', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 1), 0);
  assert.is(proxies.report(FORGET_AFTER_MS).length, 1);
  assert.is(proxies.report(FORGET_AFTER_MS + 1).length, 1);
  assert.is(proxies.size, 0);
  assert.is(proxies.report(FORGET_AFTER_MS + 2).length, 0);
});

const silentMsOf = (proxies: Proxies, nowMs: number) => proxies.report(nowMs)[0]?.silentMs;

test('a worker that falls silent alone makes its proxy silent for as long as its siblings speak', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 1), 0);
  for (let second = 9; second <= 300; second++) proxies.note(proxy, vm('b', second), second * 1_000);
  assert.is(silentMsOf(proxies, 300_000), 300_000);
  assert.is(silentMsOf(proxies, 301_000), 301_000);
  assert.is(silentMsOf(proxies, 360_001), 360_001, 'told once more when the last of them is forgotten');
  assert.is(proxies.size, 0);
});

test('new VMs end the silence of those they replace, which are forgotten', () => {
  const proxies = new Proxies();
  proxies.note(proxy, vm('a', 1), 0);
  proxies.note(proxy, vm('b', 1), 0);
  proxies.note(proxy, vm('b', 2), 40_000);
  assert.is(silentMsOf(proxies, 40_000), 40_000);
  proxies.note(proxy, vm('c', 1), 41_000);
  assert.is(silentMsOf(proxies, 41_000), 0);
  proxies.note(proxy, vm('c', 2), 101_000);
  assert.is(silentMsOf(proxies, 101_000), 0);
  assert.is(proxies.size, 1);
});

test('past the most VMs a new one is crowded out and known ones still count', () => {
  const proxies = new Proxies(1);
  proxies.note(proxy, vm('a', 1), 0);
  assert.is(proxies.note(proxy, vm('b', 1), 0), 'crowded');
  assert.is(proxies.note(proxy, vm('a', 2), 0), 'new');
});

test.run();
