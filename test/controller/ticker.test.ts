/** The tick comes once per window, without drift, and never in a rush. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nextAfter, Ticker } from '../../controller/ticker.ts';
import { HandClock } from '../support/clock.ts';

test('ticks stay on the windows counted from the start', () => {
  const clock = new HandClock();
  const at: number[] = [];
  clock.advance(137);
  const ticker = new Ticker(1_000, clock, () => at.push(clock.nowMs()));
  ticker.start();
  clock.advance(3_500);
  ticker.close();
  clock.advance(5_000);
  assert.equal(at, [1_137, 2_137, 3_137]);
});

test('windows that a busy process missed are skipped', () => {
  assert.is(nextAfter(1_000, 1_000, 1_000), 2_000);
  assert.is(nextAfter(1_000, 1_000, 1_030), 2_000, 'a late one does not move the next');
  assert.is(nextAfter(1_000, 1_000, 4_700), 5_000);
  assert.is(nextAfter(1_000, 1_000, 999.9), 2_000, 'a timer that fires a little early does not fire twice');
});

test.run();
