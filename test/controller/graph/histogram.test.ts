/** Slots: where a latency falls, and how far the middle of its slot may be from it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { middleUs, SLOT_COUNT, slotOf } from '../../../controller/graph/histogram.ts';
import { drawsOf } from '../decide/draws.ts';

test('the middle of a slot is within 2.2 % of whatever falls into it', () => {
  const { uniform } = drawsOf(1);
  for (let i = 0; i < 20_000; i++) {
    const latencyUs = 32 * 2 ** (22 * uniform());
    const error = Math.abs(middleUs(slotOf(latencyUs)) / latencyUs - 1);
    assert.ok(error < 0.022, `${latencyUs} µs is read ${error} off`);
  }
});

test('slots ascend, and each middle falls into its own slot', () => {
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    assert.is(slotOf(middleUs(slot)), slot);
    assert.ok(slot === 0 || middleUs(slot) > middleUs(slot - 1));
  }
});

test('what is below the first or above the last slot counts in that slot', () => {
  assert.equal([0, 1, 31, 32].map(slotOf), [0, 0, 0, 0]);
  assert.equal([2 ** 27 - 1, 2 ** 27, 1e12].map(slotOf), [SLOT_COUNT - 1, SLOT_COUNT - 1, SLOT_COUNT - 1]);
});

test.run();
