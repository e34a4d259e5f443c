/** What a backend takes when nothing queues, learnt from what it took at the least load. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addTally, newDecayed } from '../../../controller/graph/decayed.ts';
import { learnFloor, newFloor, queueOver } from '../../../controller/steer/floor.ts';

/** Windows of a second at a load and a latency; the floor learns after each. */
function live(at: { nowMs: number }, floor: ReturnType<typeof newFloor>, recent: ReturnType<typeof newDecayed>) {
  return (seconds: number, loadRps: number, latencyMs: number) => {
    for (let second = 0; second < seconds; second++) {
      at.nowMs += 1_000;
      const latency = Array.from({ length: loadRps }, (_, i) => [
        latencyMs * 1_000 * (0.8 + (0.4 * i) / loadRps),
        1,
      ]).flat();
      addTally(recent, { calls: loadRps, attempts: loadRps, failures: 0, inFlightMs: 0, latency }, at.nowMs);
      learnFloor(floor, recent, loadRps, 1_000);
    }
    return { floorMs: floor.latencyMs, queueMs: queueOver(floor, recent) };
  };
}

function start() {
  return live({ nowMs: 0 }, newFloor(), newDecayed(10_000, 0));
}

test('more latency at more load is queue, and the floor stays', () => {
  const pass = start();
  pass(60, 50, 20);
  const { floorMs, queueMs } = pass(60, 90, 50);
  assert.ok(Math.abs(floorMs - 20) < 1.5, `${floorMs}`);
  assert.ok(Math.abs(queueMs - 30) < 2.5, `${queueMs}`);
});

test('more latency at no more load is how the backend is now', () => {
  const pass = start();
  pass(60, 50, 20);
  const { floorMs, queueMs } = pass(90, 50, 40);
  assert.ok(floorMs > 37, `${floorMs}`);
  assert.is(queueMs, 0);
});

test('less latency is taken at any load', () => {
  const pass = start();
  pass(60, 50, 40);
  assert.ok(pass(60, 90, 20).floorMs < 22);
});

test('what chance explains is no queue, and few calls say nothing', () => {
  const pass = start();
  pass(60, 50, 20);
  assert.is(pass(1, 51, 20.2).queueMs, 0);
  const idle = start();
  assert.is(idle(5, 1, 20).queueMs, 0);
  assert.is(idle(5, 1, 20).floorMs, 0);
});

test.run();
