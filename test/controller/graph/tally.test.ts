/** One edge's window as sums. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addEdge, emptyTally } from '../../../controller/graph/tally.ts';
import type { EdgeReport } from '../../../controller/wire/messages.ts';

const edge: EdgeReport = {
  caller: { workload: 'web', namespace: 'demo', zone: 'zone-a', node: 'node-1' },
  cluster: 'search-v1',
  arm: 'stable',
  trialId: 0,
  outcomes: [10, 1, 2, 3, 4, 5],
  retries: 6,
  inFlight: 7,
  latencySumUs: 0,
  latency: [1_000, 18],
};

test('5xx, resets and retried attempts are failures; 4xx and cancelled calls are not', () => {
  const tally = emptyTally();
  addEdge(tally, edge, 2_000);
  assert.equal(tally, { calls: 25, attempts: 31, failures: 13, inFlightMs: 14_000, latency: [1_000, 18] });
});

test('failures and answered calls are all attempts', () => {
  const tally = emptyTally();
  addEdge(tally, edge, 1_000);
  const answered = tally.latency[1] ?? 0;
  assert.is(tally.attempts, tally.failures + answered);
});

test('edges add up, and their histograms are strung together', () => {
  const tally = emptyTally();
  addEdge(tally, edge, 1_000);
  addEdge(tally, { ...edge, latency: [2_000, 18] }, 1_000);
  assert.is(tally.calls, 50);
  assert.equal(tally.latency, [1_000, 18, 2_000, 18]);
});

test.run();
