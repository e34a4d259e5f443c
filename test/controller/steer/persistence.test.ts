/** Blocks of a trial are as long as differences between backends remember. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blockWindows } from '../../../controller/steer/persistence.ts';
import type { Group } from '../../../controller/steer/service.ts';
import { drawsOf, wandering } from '../decide/draws.ts';

const from = { a: 5_000, b: 5_000 };
const to = { a: 8_000, b: 2_000 };

/** A group whose backends' windows have these mean losses, ms. */
function groupOf(means: Readonly<Record<string, readonly number[]>>): Group {
  const lanes = Object.entries(means).map(([name, losses]) => {
    const windows = losses.map((lossMs) => ({ attempts: 10, lossSumMs: 10 * lossMs }));
    return [name, { windows }] as const;
  });
  return { lanes: new Map(lanes) } as unknown as Group;
}

function typicalBlock(memory: number): number {
  const draws = drawsOf(7);
  const blocks = Array.from({ length: 101 }, () => {
    const [a, b] = [wandering(draws, memory, 0.3), wandering(draws, memory, 0.3)];
    const series = (level: () => number) => Array.from({ length: 60 }, () => 30 * level());
    return blockWindows(groupOf({ a: series(a), b: series(b) }), from, to);
  });
  return blocks.sort((x, y) => x - y)[50] ?? 0;
}

test('windows that remember nothing are blocks of their own, and the longer they remember the longer a block is', () => {
  assert.is(typicalBlock(0), 1);
  const [some, much] = [typicalBlock(0.5), typicalBlock(0.8)];
  assert.ok(some >= 2 && some <= 4, `${some} windows`);
  assert.ok(much > some && much <= 10, `${much} windows`);
});

test('without a history, without a difference or without noise a block is one window', () => {
  const flat = Array.from({ length: 60 }, () => 30);
  assert.is(blockWindows(groupOf({ a: flat.slice(0, 19), b: flat.slice(0, 19) }), from, to), 1);
  assert.is(blockWindows(groupOf({ a: flat, b: flat }), from, to), 1);
  assert.is(blockWindows(groupOf({ a: flat, b: flat }), from, from), 1);
  assert.is(blockWindows(groupOf({}), from, to), 1);
});

test('what all backends share is no difference', () => {
  const rising = Array.from({ length: 60 }, (_, i) => 30 + i);
  assert.is(blockWindows(groupOf({ a: rising, b: rising }), from, to), 1);
});

test.run();
