/** The analytic predictor against what is known of queues, and against itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { queueFrom, waitAt } from '../../../controller/predict/queueing.ts';

test('with one slot it is the M/M/1 queue', () => {
  for (const rho of [0.1, 0.5, 0.8, 0.95]) {
    const waitMs = waitAt({ slots: 1, serviceMs: 10 }, rho * 100);
    assert.ok(Math.abs(waitMs / ((10 * rho) / (1 - rho)) - 1) < 1e-9, `ρ ${rho}: ${waitMs} ms`);
  }
});

test('with several slots it is near Erlang C where waits matter', () => {
  for (const [slots, rho] of [
    [2, 0.8],
    [4, 0.8],
    [8, 0.9],
    [16, 0.95],
  ] as const) {
    const seen = waitAt({ slots, serviceMs: 10 }, (rho * slots * 1_000) / 10);
    const exact = erlangWaitMs(slots, rho, 10);
    assert.ok(Math.abs(seen / exact - 1) < 0.12, `${slots} slots at ρ ${rho}: ${seen} against ${exact} ms`);
  }
});

test('from load, service time and wait it finds the slots that made them', () => {
  for (const [slots, rho] of [
    [1, 0.5],
    [4, 0.7],
    [8, 0.85],
    [32, 0.93],
  ] as const) {
    const loadRps = (rho * slots * 1_000) / 20;
    const found = queueFrom(loadRps, 20, waitAt({ slots, serviceMs: 20 }, loadRps));
    assert.ok(Math.abs(found.slots / slots - 1) < 0.01, `${slots}: ${found.slots}`);
  }
});

test('where no wait is seen, room for more is believed in up to a point only', () => {
  const queue = queueFrom(100, 20, 0);
  const room = (queue.slots * 1_000) / 20 / 100;
  assert.ok(room > 1.5 && room < 6, `room for ${room} times the load`);
});

test('the wait grows with the load, without a jump where the queue has no end', () => {
  const queue = { slots: 8, serviceMs: 10 };
  let before = 0;
  for (let loadRps = 10; loadRps < 1_600; loadRps += 1) {
    const waitMs = waitAt(queue, loadRps);
    assert.ok(waitMs >= before && Number.isFinite(waitMs), `${loadRps}: ${waitMs} after ${before}`);
    assert.ok(waitMs - before < 15, `a jump of ${waitMs - before} ms at ${loadRps}`);
    before = waitMs;
  }
});

test('nothing measured makes no number that is none', () => {
  for (const [load, service, wait] of [
    [0, 0, 0],
    [0, 10, 5],
    [100, 0, 5],
    [1e9, 1e9, 1e9],
    [1e-9, 1e-9, 0],
  ] as const) {
    const waitMs = waitAt(queueFrom(load, service, wait), load * 2);
    assert.ok(Number.isFinite(waitMs) && waitMs >= 0, `${load}, ${service}, ${wait}: ${waitMs}`);
  }
});

/** Mean wait of M/M/c by Erlang's C formula. */
function erlangWaitMs(slots: number, rho: number, serviceMs: number): number {
  const offered = rho * slots;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < slots; k++) {
    term *= offered / k;
    sum += term;
  }
  const last = (term * offered) / slots / (1 - rho);
  return ((last / (sum + last)) * serviceMs) / (slots * (1 - rho));
}

test.run();
