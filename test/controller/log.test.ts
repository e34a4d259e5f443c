/** Decisions as a person reads them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { percent } from '../../controller/decide/say.ts';
import type { Decision } from '../../controller/decision.ts';
import { logDecision, makeLog } from '../../controller/log.ts';
import { sentenceOf } from '../../controller/sentence.ts';

const decision: Decision = {
  id: 12,
  atMs: 1_767_225_600_000,
  kind: 'relief',
  service: 'payments.shop:8080',
  group: 'zone-a',
  by: 'relief',
  from: { v1: 3_300, v2: 3_300, v3: 3_400 },
  to: { v1: 4_900, v2: 200, v3: 4_900 },
  why: '41 of 52 calls to v2 failed.',
  evidence: { failures: 41 },
};

test('a relief says who loses, who wins and why', () => {
  assert.is(
    sentenceOf(decision),
    'payments.shop:8080 from zone-a: relief, v2 33 % → 2 %, v3 34 % → 49 %, v1 33 % → 49 % because 41 of 52 calls to v2 failed',
  );
});

test('a verdict says what was foretold and what was measured', () => {
  const verdict: Decision = {
    ...decision,
    group: '*',
    kind: 'verdict',
    to: decision.from,
    trial: { id: 7, stage: 3, stages: 3, share: 1 },
    predictedLossMs: 34.2,
    measuredLossMs: 3.14,
    verdict: 'reverted',
    why: 'the trial arm was worse',
  };
  assert.is(
    sentenceOf(verdict),
    'payments.shop:8080: verdict of trial 7 because the trial arm was worse; predicted 34 ms, measured 3.1 ms; reverted',
  );
});

test('a trial says its stage and how many try it', () => {
  const trial: Decision = {
    ...decision,
    kind: 'trial',
    trial: { id: 7, stage: 1, stages: 3, share: 0.05 },
    why: 'v1 is faster',
  };
  assert.match(
    sentenceOf(trial),
    /zone-a: trial 7, stage 1 of 3, v2 33 % → 2 %.* because v1 is faster; 5 % of requests try it$/,
  );
});

test('a manual step says who', () => {
  const manual: Decision = { ...decision, kind: 'manual', by: 'anna', to: decision.from, why: 'frozen: audit' };
  assert.is(sentenceOf(manual), 'payments.shop:8080 from zone-a: manual: frozen: audit; by anna');
});

test('small shares keep two digits', () => {
  assert.equal([0.333, 0.0213, 0.0002, 0, 1].map(percent), ['33 %', '2.1 %', '0.02 %', '0 %', '100 %']);
});

test('the line carries the sentence and the fields', () => {
  const lines: string[] = [];
  logDecision(makeLog('info', { write: (line) => void lines.push(line) }), decision);
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.is(line.level, 'info');
  assert.is(line.event, 'decision');
  assert.is(line.msg, sentenceOf(decision));
  assert.equal([line.id, line.kind, line.service, line.to], [12, 'relief', 'payments.shop:8080', decision.to]);
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT/);
});

test.run();
