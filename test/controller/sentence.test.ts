/** What moves, in a sentence. Whole decisions as sentences are in log.test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../controller/decision.ts';
import { movesOf, sentenceOf } from '../../controller/sentence.ts';

const decision: Decision = {
  id: 1,
  atMs: 0,
  kind: 'verdict',
  service: 'search:80',
  group: '*',
  by: 'trial',
  from: { v1: 6_700, v2: 3_300 },
  to: { v1: 9_200, v2: 800 },
  why: 'v2 answers late.',
  trial: { id: 7, stage: 3, stages: 3, share: 1 },
  predictedLossMs: 34.2,
  measuredLossMs: 3.14,
  verdict: 'kept',
  evidence: {},
};

test('those that lose come first, those that stay are left out', () => {
  assert.equal(movesOf({ v1: 6_000, v2: 3_000, v3: 1_000 }, { v1: 8_500, v2: 500, v3: 1_000 }), [
    'v2 30 % → 5 %',
    'v1 60 % → 85 %',
  ]);
});

test('backends that come and go move from and to nothing', () => {
  assert.equal(movesOf({ v1: 10_000 }, { constructor: 10_000 } as unknown as Decision['to']), [
    'v1 100 % → 0 %',
    'constructor 0 % → 100 %',
  ]);
  assert.equal(movesOf({}, {}), []);
});

test('a verdict says what moved, why, what was foretold and measured, and how it ended', () => {
  assert.is(
    sentenceOf(decision),
    'search:80: verdict of trial 7, v2 33 % → 8 %, v1 67 % → 92 % because v2 answers late; predicted 34 ms, measured 3.1 ms; kept',
  );
});

test('a trial says its stage and how many requests try it', () => {
  const { predictedLossMs: _, measuredLossMs: __, verdict: ___, ...rest } = decision;
  const trial = { id: 7, stage: 2, stages: 3, share: 0.25 };
  assert.is(
    sentenceOf({ ...rest, kind: 'trial', group: 'zone-a', trial }),
    'search:80 from zone-a: trial 7, stage 2 of 3, v2 33 % → 8 %, v1 67 % → 92 % because v2 answers late; 25 % of requests try it',
  );
});

test.run();
