/** Windows: what is one edge, what is added up, what finds no room. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callerKey, Window } from '../../../agent/aggregate/window.ts';
import type { EdgeSample } from '../../../agent/wire/samples.ts';
import { decodeFromAgent, encode } from '../../../controller/wire/codec.ts';
import { callerOf, edgeOf, reportOf } from '../sketch.ts';

const web = callerOf();
const add = (window: Window, more: Partial<EdgeSample>, caller = web) => {
  window.add(callerKey(caller), caller, edgeOf(more));
};

test('samples of one edge are added up, whoever of its workers sent them', () => {
  const window = new Window();
  add(window, { outcomes: [1, 2, 3, 4, 5, 6], retries: 1, latencySumUs: 10, buckets: [10, 1, 11, 2] });
  add(window, { outcomes: [6, 5, 4, 3, 2, 1], retries: 2, latencySumUs: 20, buckets: [11, 5] });
  const [edge, ...more] = window.take().edges;
  assert.equal(more, []);
  assert.equal(edge?.outcomes, [7, 7, 7, 7, 7, 7]);
  assert.is(edge?.retries, 3);
  assert.is(edge?.latencySumUs, 30);
  assert.equal(
    edge?.latency.filter((_, i) => i % 2 === 1),
    [1, 7],
  );
  assert.equal(edge?.caller, web);
});

test('callers, clusters, arms and trials are told apart; the stable arm is one through all trials', () => {
  const window = new Window();
  add(window, {});
  add(window, { trialId: 9 });
  add(window, { cluster: 'shop-b' });
  add(window, { arm: 'trial', trialId: 1 });
  add(window, { arm: 'trial', trialId: 2 });
  add(window, {}, callerOf({ zone: 'zone-b' }));
  add(window, {}, callerOf({ workload: 'admin' }));
  add(window, {}, callerOf({ namespace: 'test' }));
  const { edges } = window.take();
  assert.is(edges.length, 7);
  assert.is(edges[0]?.outcomes[0], 2);
  assert.is(edges[0]?.trialId, 0);
});

test('a take empties the window', () => {
  const window = new Window();
  add(window, {});
  assert.is(window.take().edges.length, 1);
  assert.equal(window.take(), { edges: [], crowdedOutCalls: 0 });
});

test('requests in flight are summed over workers, and make an edge where nothing ended', () => {
  const window = new Window();
  window.addInFlight(callerKey(web), web, 'shop-a', 3);
  window.addInFlight(callerKey(web), web, 'shop-a', 4);
  add(window, {});
  const { edges } = window.take();
  assert.is(edges.length, 1);
  assert.is(edges[0]?.inFlight, 7);
  assert.is(edges[0]?.arm, 'stable');
});

test('an edge without calls is none, one with retries only is', () => {
  const window = new Window();
  add(window, { outcomes: [0, 0, 0, 0, 0, 0] });
  assert.is(window.take().edges.length, 0);
  add(window, { outcomes: [0, 0, 0, 0, 0, 0], retries: 1 });
  assert.is(window.take().edges.length, 1);
});

test('past the most edges calls are counted as crowded out, known edges still count', () => {
  const window = new Window(2);
  add(window, { cluster: 'a' });
  add(window, { cluster: 'b' });
  add(window, { cluster: 'c', outcomes: [5, 0, 0, 1, 0, 0] });
  add(window, { cluster: 'a' });
  const { edges, crowdedOutCalls } = window.take();
  assert.equal(
    edges.map(({ cluster, outcomes }) => [cluster, outcomes[0]]),
    [
      ['a', 2],
      ['b', 1],
    ],
  );
  assert.is(crowdedOutCalls, 6);
});

test('the largest numbers that filters can send still make a report that the wire takes', () => {
  const window = new Window();
  const most = 0xffffffff;
  const outcomes = [most, most, most, most, most, most];
  for (let i = 0; i < 3; i++) add(window, { outcomes, latencySumUs: Number.MAX_SAFE_INTEGER, buckets: [321, most] });
  const report = reportOf(1, { edges: window.take().edges });
  assert.equal(decodeFromAgent(encode(report)), report);
});

test.run();
