/** How often nothing is called a fault, and how soon a fault is found: calls drawn by chance, looked at window by window. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawsOf, wandering } from '../draws.ts';
import { type Behaviour, PretendService } from './pretend-service.ts';

/** Longer than the past's half-life, so that there is a past to speak of. */
const SETTLED_WINDOWS = 70;
const RUNS = 25;

const healthy = (loadRps: number, more: Partial<Behaviour> = {}): Behaviour => ({
  loadRps,
  errorRatio: 0.0005,
  meanMs: 20,
  sigma: 0.7,
  ...more,
});

/** Windows until the first of two backends was found, of each run, ascending; the service's load is shared equally. */
function delays(serviceRps: number, fault: Partial<Behaviour>, isShared = false): number[] {
  const well = healthy(serviceRps / 2);
  const ill = { ...well, ...fault };
  return Array.from({ length: RUNS }, (_, run) => {
    const service = new PretendService(2, drawsOf(run + 1));
    service.windows(SETTLED_WINDOWS, [well, well]);
    return service.windowsUntilFound(10, [ill, isShared ? ill : well]).windows;
  }).sort((a, b) => a - b);
}

const within = (windows: number, of: readonly number[]) => of.filter((delay) => delay <= windows).length / RUNS;

/** False alarms of both backends over some hours of windows. */
function alarmsIn(hours: number, seed: number, behaviour: Behaviour, level: () => number = () => 1): number {
  const service = new PretendService(2, drawsOf(seed));
  let alarms = 0;
  for (let window = 0; window < hours * 3_600; window++) {
    const now = { ...behaviour, meanMs: behaviour.meanMs * level() };
    alarms += service.window([now, now]).filter((found) => found !== undefined).length;
  }
  return alarms;
}

test('ten quiet hours at 60 calls a second give no false alarm but for the one that chance may have', () => {
  assert.ok(alarmsIn(10, 1, healthy(30, { sigma: 1 })) <= 1);
});

test('nor do few calls with a heavy tail, or hours in which all backends wander together', () => {
  assert.ok(alarmsIn(3, 2, healthy(3, { sigma: 1.5, errorRatio: 0.002 })) <= 1);
  assert.ok(alarmsIn(3, 3, healthy(30, { sigma: 1 }), wandering(drawsOf(4), 0.8, 0.2)) <= 1);
});

test('90 % errors are found within three windows at 10, 30 and 60 calls a second', () => {
  for (const loadRps of [10, 30, 60]) assert.is(within(3, delays(loadRps, { errorRatio: 0.9 })), 1, `${loadRps} rps`);
});

test('failing at once is found within two windows, and not taken for speed', () => {
  for (const loadRps of [10, 60]) assert.is(within(2, delays(loadRps, { errorRatio: 1, meanMs: 1 })), 1);
});

test('a tenth of errors is found within three windows at 200 calls a second', () => {
  assert.is(within(3, delays(200, { errorRatio: 0.1 })), 1);
});

test('four times the latency is found within four windows at 30 calls a second and more', () => {
  for (const loadRps of [30, 60, 200]) assert.ok(within(4, delays(loadRps, { meanMs: 80 })) >= 0.95, `${loadRps} rps`);
});

test('four times the latency is still found within ten windows at 10 calls a second, more often than not', () => {
  assert.ok(within(10, delays(10, { meanMs: 80 })) >= 0.7);
});

test('when all backends turn slow together none is blamed, but for one in ten where a window holds 15 calls', () => {
  for (const [loadRps, atMost] of [
    [30, 0.2],
    [60, 0.08],
    [200, 0.04],
  ] as const) {
    for (const meanMs of [50, 80]) {
      const blamed = within(10, delays(loadRps, { meanMs }, true));
      assert.ok(blamed <= atMost, `${loadRps} rps, ${meanMs} ms: ${blamed}`);
    }
  }
});

test('a cold backend that fails is found once it has failed 20 times', () => {
  const service = new PretendService(2, drawsOf(9));
  const well = healthy(30);
  const { windows, found } = service.windowsUntilFound(10, [healthy(30, { errorRatio: 0.9 }), well]);
  assert.ok(windows <= 2, `${windows} windows`);
  assert.is(found?.fault, 'errors');
});

test.run();
