/** Trials of nothing on a noisy service find something in one of twenty at most; a true fifth is found in its time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manyTrials } from './trials/fuzz-trials.ts';

test('of 80 A/A trials at most 4 end in a verdict that is false', () => {
  const figures = [60, 500].map((loadRps) => manyTrials(40, { seed: 1, loadRps, betterBy: 0 }));
  const wrong = figures.reduce((sum, { better, worse, guard }) => sum + better + worse + guard, 0);
  assert.ok(wrong <= 4, JSON.stringify(figures));
});

test('a fifth less loss at 500 calls a second is found by nine of ten trials in 90 s, never taken for harm', () => {
  const { better, worse, p90Seconds } = manyTrials(20, { seed: 1, loadRps: 500, betterBy: 0.2 });
  assert.is(worse, 0);
  assert.ok(better >= 18 && p90Seconds <= 90, `${better} of 20, nine of ten within ${p90Seconds} s`);
});

test.run();
