/** Three lengths of memory: a fault must neither hide in the past nor become it by lasting. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSuspect, judge } from '../../../../controller/decide/relief/judge.ts';
import {
  acceptPresent,
  closeWindow,
  expect,
  forgetFault,
  type Lane,
  newLane,
  settle,
} from '../../../../controller/decide/relief/lane.ts';
import { errorRatio, latencyMoments, loadRps, newDecayed } from '../../../../controller/graph/decayed.ts';
import { evidence } from './hand-made.ts';
import { spansOf } from './pretend-service.ts';

const yardstick = { worstMs: 5_000, errorBudget: 0.001 };

/** Windows of one second as they come, each call at `latencyMs`; suspicion as the core has it. */
class Story {
  readonly lane: Lane = newLane(0);
  nowMs = 0;

  window(calls: number, latencyMs: number, failures = 0): this {
    const { open } = this.lane;
    open.calls += calls;
    open.attempts += calls;
    open.failures += failures;
    if (calls > failures) open.latency.push(latencyMs * 1_000, calls - failures);
    this.nowMs += 1_000;
    closeWindow(this.lane, this.nowMs, yardstick);
    const isDoubtful = spansOf(this.lane).some(isSuspect);
    this.lane.suspectSinceMs = isDoubtful ? (this.lane.suspectSinceMs ?? this.nowMs) : undefined;
    settle(this.lane, yardstick);
    return this;
  }

  windows(count: number, calls: number, latencyMs: number, failures = 0): this {
    for (let i = 0; i < count; i++) this.window(calls, latencyMs, failures);
    return this;
  }
}

test('a window is counted when it closes, and the next one starts empty', () => {
  const { lane } = new Story().window(10, 20, 1);
  assert.equal(lane.windows, [
    { atMs: 1_000, passedMs: 1_000, attempts: 10, failures: 1, answered: 9, slow: 0, lossSumMs: 9 * 20 + 5_000 },
  ]);
  assert.is(lane.open.attempts, 0);
});

test('a fault that is over is forgotten in what policies look at, calls and load are not', () => {
  const { lane, nowMs } = new Story().windows(60, 50, 20, 1).windows(10, 50, 400, 30);
  const { attempts } = lane.recent;
  const rps = loadRps(lane.recent, nowMs);
  forgetFault(lane);
  assert.is(lane.recent.attempts, attempts);
  assert.is(loadRps(lane.recent, nowMs), rps);
  assert.ok(Math.abs(errorRatio(lane.recent) - 0.02) < 0.001, `${errorRatio(lane.recent)}`);
  const { count, meanMs } = latencyMoments(lane.recent, 5_000);
  assert.ok(Math.abs(count - attempts * 0.98) < 0.01 * attempts, `${count} of ${attempts}`);
  assert.ok(Math.abs(meanMs - 20) < 1, `${meanMs}`);
});

test('without a past there is nothing to put in the place of a fault', () => {
  const { lane } = new Story().window(20, 20, 10);
  const { failures } = lane.recent;
  forgetFault(lane);
  assert.is(lane.recent.failures, failures);
});

test('the last 60 windows are kept', () => {
  const { lane } = new Story().windows(100, 10, 20);
  assert.is(lane.windows.length, 60);
  assert.is(lane.windows[0]?.atMs, 41_000);
});

test('a window becomes the past three windows later', () => {
  const story = new Story().windows(3, 100, 20);
  assert.is(story.lane.expected.attempts, 0);
  story.window(100, 20);
  assert.ok(story.lane.expected.attempts > 99);
});

test('slow is what is clearly above the p99 of the past, once there is a past', () => {
  const story = new Story().windows(60, 50, 20);
  assert.ok(Math.abs(story.lane.expected.slowAboveMs / 20 - 1) < 0.03);
  assert.is(story.window(50, 20.5).lane.windows.at(-1)?.slow, 0);
  assert.is(story.window(50, 40).lane.windows.at(-1)?.slow, 50);
  assert.is(new Story().window(50, 20).window(50, 400).lane.windows.at(-1)?.slow, 0);
});

test('the past is not polluted by a fault, however long it lasts', () => {
  for (const [latencyMs, failures] of [
    [20, 45],
    [80, 0],
  ] as const) {
    const story = new Story().windows(90, 50, 20);
    const { expected } = story.lane;
    story.windows(200, 50, latencyMs, failures);
    assert.ok(story.lane.suspectSinceMs === 91_000, 'suspect from the first window on');
    assert.equal(story.lane.expected, expected, 'what is expected is what was before, to the last digit');
    const [last] = spansOf(story.lane);
    assert.ok(last && judge([last], evidence(), 500), 'and so it is still a fault');
  }
});

test('once it is well again, the past goes on from where it was', () => {
  const story = new Story().windows(90, 50, 20).windows(30, 50, 80);
  const { attempts, slowAboveMs } = story.lane.expected;
  story.windows(10, 50, 20);
  assert.is(story.lane.suspectSinceMs, undefined);
  assert.is(story.lane.expected.slowAboveMs, slowAboveMs);
  assert.ok(Math.abs(story.lane.expected.attempts / attempts - 1) < 0.1);
});

test('a night without calls leaves the past as it was', () => {
  const story = new Story().windows(90, 50, 20);
  const { slowAboveMs } = story.lane.expected;
  story.windows(10_000, 0, 0);
  const { expected } = story.lane;
  assert.is(expected.slowAboveMs, slowAboveMs);
  assert.ok(expected.attempts > 2_000);
  assert.is(story.window(50, 80).lane.windows.at(-1)?.slow, 50);
});

test('what is accepted is the new normal at once', () => {
  const story = new Story().windows(90, 50, 20).windows(60, 50, 80);
  acceptPresent(story.lane, yardstick);
  assert.is(story.lane.suspectSinceMs, undefined);
  assert.is(story.lane.windows.length, 0);
  assert.ok(story.lane.expected.slowAboveMs > 70);
  story.windows(10, 50, 80);
  assert.is(story.lane.suspectSinceMs, undefined);
  assert.is(story.lane.windows.at(-1)?.slow, 0);
  // The pictures must not share their slots.
  assert.is.not(story.lane.past.slots, story.lane.recent.slots);
});

test('a backend whose past answered nothing has no latency to be slower than', () => {
  const story = new Story().windows(30, 50, 0, 50);
  acceptPresent(story.lane, yardstick);
  assert.ok(story.lane.expected.attempts > 50);
  assert.is(story.window(50, 20).lane.windows.at(-1)?.slow, 0);
  assert.is(story.lane.suspectSinceMs, undefined, 'that it answers is no doubt about it');
});

test('what is expected of nothing is everything, so that nothing exceeds it', () => {
  const expected = expect(newDecayed(1_000, 0), yardstick);
  assert.is(expected.errorBound, 1);
  assert.is(expected.attempts, 0);
  assert.ok(Object.values(expected).every(Number.isFinite));
});

test('errors are expected up to the budget, or to what the past may well be', () => {
  const faultless = new Story().windows(90, 1_000, 20).lane.expected;
  assert.is(faultless.errorBound, yardstick.errorBudget);
  const short = new Story().windows(5, 50, 20).lane.expected;
  assert.ok(short.errorBound > 0.03, 'a hundred calls without a failure promise little');
});

test.run();
