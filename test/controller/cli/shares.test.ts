/** Shares as a person writes them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseShares } from '../../../controller/cli/shares.ts';

test('ratios and percents become weights out of 10,000', () => {
  assert.equal(parseShares(['v1=0.9', 'v2=10%']), { v1: 9_000, v2: 1_000 });
  assert.equal(parseShares(['v1=100%', 'v2=0']), { v1: 10_000, v2: 0 });
  assert.equal(parseShares(['a=33.33%', 'b=33.33%', 'c=.3334']), { a: 3_333, b: 3_333, c: 3_334 });
});

test('what is no share is named', () => {
  assert.throws(() => parseShares(['v1']), 'v1 is no share; write backend=0.25 or backend=25%');
  assert.throws(() => parseShares(['v1=90']), 'v1=90 is no share');
  assert.throws(() => parseShares(['v1=0.5', 'v1=0.5']), 'v1 is given twice');
  assert.throws(() => parseShares(['v1=0.5', 'v2=0.4']), 'the shares sum to 90 %; they must sum to 100 %');
  assert.throws(() => parseShares(['v1=0.00001', 'v2=0.99999']), 'finer than 0.01 %');
});

test.run();
