/** A small part of `npm run fuzz`: the shipped filter under callbacks in any order from a host that fails. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzWasm, liveAgain } from './wasm/fuzz-wasm.ts';

test('40,000 sequences by chance: no trap, messages that an agent takes, nothing left in flight, memory within its bound', () => {
  const figures = fuzzWasm(40_000, 20_261_125);
  assert.is(figures.sequences, 40_000);
  assert.ok(figures.callbacks > 200_000 && figures.hostFailures > 5_000 && figures.messages > 1_000);
  assert.ok(figures.endBytes <= 11 * 2 ** 20, `${figures.endBytes} bytes`);
});

test('a life is the same each time that it is lived', () => {
  const options = { seed: 7, maxClusters: 16, spareMemoryPages: 3, failShare: 0.5 };
  for (let i = 0; i < 2; i++) liveAgain(options, 500);
});

test.run();
