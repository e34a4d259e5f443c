/** Windows: no drift, no make-up, true lengths. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ticker } from '../../agent/ticker.ts';
import { HandClock } from '../support/clock.ts';

function start(windowMs = 1_000, clock = new HandClock()) {
  const windows: [startMs: number, endMs: number][] = [];
  const ticker = new Ticker(clock, windowMs, (...window) => windows.push(window));
  ticker.start();
  return { clock, ticker, windows };
}

test('windows follow each other without a gap', () => {
  const { clock, windows } = start();
  clock.advance(3_500);
  assert.equal(windows, [
    [0, 1_000],
    [1_000, 2_000],
    [2_000, 3_000],
  ]);
});

test('another length counts from the beginning of the window that runs', () => {
  const { clock, ticker, windows } = start();
  clock.advance(1_400);
  ticker.setWindow(500);
  clock.advance(600);
  assert.equal(windows, [
    [0, 1_000],
    [1_000, 1_500],
    [1_500, 2_000],
  ]);
  ticker.setWindow(5_000);
  clock.advance(5_000);
  assert.equal(windows.at(-1), [2_000, 7_000]);
});

test('a window already longer than the new length ends at once', () => {
  const { clock, ticker, windows } = start(10_000);
  clock.advance(4_000);
  ticker.setWindow(1_000);
  clock.advance(0);
  assert.equal(windows, [[0, 4_000]]);
  clock.advance(1_000);
  assert.equal(windows.at(-1), [4_000, 5_000]);
});

test('when the process stood still the late window is told with its true length, and none is made up for', () => {
  let nowMs = 0;
  let due: () => void = () => {};
  const planned: number[] = [];
  const windows: [number, number][] = [];
  const clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    after: (delayMs: number, task: () => void) => {
      planned.push(nowMs + delayMs);
      due = task;
      return () => {};
    },
  };
  new Ticker(clock, 1_000, (...window) => windows.push(window)).start();
  for (const firedMs of [1_000, 4_700, 5_000]) {
    nowMs = firedMs;
    due();
  }
  assert.equal(windows, [
    [0, 1_000],
    [1_000, 4_700],
    [4_700, 5_000],
  ]);
  assert.equal(planned, [1_000, 2_000, 5_000, 6_000]);
});

test('closed, it is still', () => {
  const { clock, ticker, windows } = start();
  ticker.close();
  clock.advance(5_000);
  assert.equal(windows, []);
});

test.run();
