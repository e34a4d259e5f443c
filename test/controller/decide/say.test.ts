/** Figures as a person reads them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { milliseconds, percent, rounded, seconds } from '../../../controller/decide/say.ts';

test('shares are percent, two digits below ten', () => {
  assert.equal([0, 0.000213, 0.0213, 0.0996, 0.3333, 1].map(percent), [
    '0 %',
    '0.021 %',
    '2.1 %',
    '10 %',
    '33 %',
    '100 %',
  ]);
});

test('durations carry their unit, and a sign where they have one', () => {
  assert.equal([0, 0.04, 3.44, 9.96, 123.4, -7.12, -20.4].map(milliseconds), [
    '0 ms',
    '0.04 ms',
    '3.4 ms',
    '10 ms',
    '123 ms',
    '-7.1 ms',
    '-20 ms',
  ]);
  assert.equal([500, 2_000, 90_000].map(seconds), ['0.5 s', '2 s', '90 s']);
});

test('evidence keeps four digits, and what is no number stays none', () => {
  assert.equal([1.23456, 123_456, 0].map(rounded), [1.235, 123_500, 0]);
  assert.is(rounded(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});

test.run();
