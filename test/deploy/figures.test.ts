/** What a run is judged by: shares of what was really served, when traffic left and came back, the comparison. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RequestRecord } from '../../deploy/local/apps/messages.ts';
import { parseScenario } from '../../deploy/local/scenario/parse.ts';
import { sayDecision } from '../../deploy/local/show/decisions.ts';
import { courseOf, faultsOf } from '../../deploy/local/show/faults.ts';
import { quantile } from '../../deploy/local/show/figures.ts';
import { describe, outcomeOf } from '../../deploy/local/show/summary.ts';
import { Tally } from '../../deploy/local/show/tally.ts';
import { doubts, trustOf } from '../../deploy/local/show/trust.ts';
import { smallScenario } from './small-scenario.ts';

const scenario = parseScenario(smallScenario, 'small.yaml');
const v1 = 'outbound|80|v1|stock';
const v2 = 'outbound|80|v2|stock';

/** 40 calls a second for 60 s, of which v2 gets the share that `shareAt` says. */
function tallyOf(shareAt: (s: number) => number): Tally {
  const tally = new Tally();
  let owed = 0;
  for (let i = 0; i < 2400; i += 1) {
    owed += shareAt(i / 40);
    const isOwed = owed >= 1;
    if (isOwed) owed -= 1;
    tally.add({ cluster: isOwed ? v2 : v1, status: isOwed ? 503 : 200, latencyMs: 10 }, i * 25);
  }
  return tally;
}

test('the fault of a scenario is found with its healing and its siblings', () => {
  assert.equal(faultsOf(scenario), [
    { backend: 'stock/v2', cluster: v2, siblings: [v1, v2], brokenMs: 20_000, healedMs: 40_000, endMs: 60_000 },
  ]);
});

test('traffic that leaves and comes back is timed by what was served', () => {
  const [fault] = faultsOf(scenario);
  if (!fault) throw new Error('no fault');
  const course = courseOf(
    tallyOf((s) => (s < 23 ? 0.5 : s < 45 ? 0.02 : 0.4)),
    fault,
  );
  // Steered away at 23 s: a window of 1 s is clean of older calls, but for 5 %, just before 24 s.
  assert.ok(
    course.leftAfterS !== undefined && course.leftAfterS > 3.5 && course.leftAfterS <= 4,
    String(course.leftAfterS),
  );
  // Back from 45 s: 5 % of a window of 5 s are reached within its first second.
  assert.ok(
    course.backAfterS !== undefined && course.backAfterS > 5 && course.backAfterS < 6,
    String(course.backAfterS),
  );
  assert.ok(Math.abs((course.shareAtEnd ?? 0) - 0.4) < 0.01);
});

test('traffic that never leaves has no time, not zero', () => {
  const [fault] = faultsOf(scenario);
  if (!fault) throw new Error('no fault');
  const course = courseOf(
    tallyOf(() => 0.5),
    fault,
  );
  assert.is(course.leftAfterS, undefined);
  assert.is(course.backAfterS, undefined);
});

test('figures of a window count failures and take quantiles of successes', () => {
  const tally = new Tally();
  for (let i = 1; i <= 100; i += 1) tally.add({ cluster: v1, status: i <= 90 ? 200 : 0, latencyMs: i }, i);
  assert.equal(tally.figuresIn(v1, 0, 100), { callCount: 100, failureCount: 10, p50Ms: 45, p99Ms: 90 });
  assert.equal(tally.figuresIn(v1, 50, 60), { callCount: 10, failureCount: 0, p50Ms: 55, p99Ms: 60 });
  assert.equal(tally.figuresIn(v2, 0, 100), { callCount: 0, failureCount: 0, p50Ms: undefined, p99Ms: undefined });
  assert.is(quantile([], 0.5), undefined);
});

test('an outcome leaves out the warm-up and counts as good what succeeded in time', () => {
  const record = (atMs: number, latencyMs: number, status: number): RequestRecord => ({
    id: 0,
    atMs,
    latencyMs,
    lagMs: 0,
    status,
    zone: 'east',
    cluster: '',
    path: '',
  });
  const requests = [
    record(-5, 1, 503),
    record(0, 100, 200),
    record(500, 600, 200),
    record(800, 300, 200),
    record(900, 5, 503),
    record(1000, 1, 200),
  ];
  assert.equal(outcomeOf(requests, 0, 1000, 500), {
    requestCount: 4,
    failureCount: 1,
    goodputRps: 2,
    // The one that failed, though fast, is the slowest of the four.
    p50Ms: 300,
    p99Ms: undefined,
  });
});

test('the summary prints both runs and their ratio', () => {
  const whole = { requestCount: 10, failureCount: 1, goodputRps: 8, p50Ms: 20, p99Ms: 40 };
  const trust = { lagP50Ms: 0.2, lagP99Ms: 3, lagMaxMs: 5, busyRatio: 0.5 };
  const baseline = { whole: { ...whole, p99Ms: 80 }, faults: [], trust: { ...trust, busyRatio: 0.95 } };
  const text = describe({ whole, faults: [], trust }, baseline, 250, 'steered');
  assert.match(text, /p99 +40 ms +80 ms +0\.50/);
  assert.match(text, /failed +10\.00 % +10\.00 % +1\.00/);
  assert.match(text, /load generator: steered sent 0\.2 ms late \(p99 3\.0 ms, most 5\.0 ms\); machine 50 % busy/);
  assert.match(text, /WARNING: the machine was 95 % busy in the unsteered run/);
});

test('a generator that was late and a machine that was busy make figures doubtful, others not', () => {
  const late = (atMs: number, lagMs: number): RequestRecord => {
    return { id: 0, atMs, lagMs, zone: 'east', latencyMs: 1, status: 200, cluster: '', path: '' };
  };
  const trust = trustOf([late(-1, 900), late(1, 30), late(2, 1), late(3, 2)], 0.5);
  assert.equal(trust, { lagP50Ms: 2, lagP99Ms: 30, lagMaxMs: 30, busyRatio: 0.5 });
  assert.is(doubts(trust, 'steered').length, 1);
  assert.match(doubts(trust, 'steered')[0] ?? '', /^the steered run sent one request in 100 more than 30 ms late/);
  assert.equal(doubts(trustOf([late(1, 3)], 0.7), 'steered'), []);
});

test('a decision is said in a line', () => {
  const line = sayDecision({
    id: 1,
    atMs: 0,
    kind: 'relief',
    service: 'stock:80',
    group: 'east',
    from: { v1: 5000, v2: 5000 },
    to: { v1: 9800, v2: 200 },
    why: '90 % of its calls fail',
  });
  assert.is(line, 'stock:80 from east: relief v1 50 % → 98 %, v2 50 % → 2 %: 90 % of its calls fail');
});

test.run();
