/** Which faults are found, from which figures; what is no fault of one backend. Chances and delays are in detection.test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addUp, type Evidence, evidenceOf, isSuspect, judge } from '../../../../controller/decide/relief/judge.ts';
import { counts, evidence, goodPast, noPast, TARGET_MS } from './hand-made.ts';

const well = evidence();
const faultOf = (of: Evidence, siblings: Evidence | undefined = well) => judge([of], siblings, TARGET_MS)?.fault;

test('windows add up beside what the past expects of them', () => {
  assert.equal(evidenceOf([counts({ failures: 3 }), counts({ slow: 2 })], goodPast), {
    spanMs: 2_000,
    attempts: 120,
    failures: 3,
    answered: 117,
    slow: 2,
    lossSumMs: 3 * 5_000 + 2 * 100 + 115 * 20,
    pastAttempts: 5_000,
    pastFailures: 5,
    expectedFailures: 0.36,
    expectedSlow: 1.17,
    expectedLossSumMs: 3_000,
  });
  assert.is(evidenceOf([], goodPast).attempts, 0);
});

test('evidence of several adds up field by field, its span is the longest', () => {
  assert.is(addUp([]), undefined);
  const sum = addUp([evidence({ failures: 3 }), evidence({ passedMs: 3_000, slow: 2 })]);
  assert.equal([sum?.spanMs, sum?.attempts, sum?.failures, sum?.slow, sum?.pastAttempts], [3_000, 120, 3, 2, 10_000]);
});

test('a group without a past weighs on neither side of a sum', () => {
  const alone = evidence({ slow: 30, lossSumMs: 30 * 100 + 30 * 20 });
  const sum = addUp([alone, evidence({ attempts: 600, answered: 600, lossSumMs: 60_000 }, noPast)]);
  assert.is(sum?.expectedLossSumMs, alone.expectedLossSumMs + 60_000);
});

test('many failures are a fault, with the chance of them', () => {
  const found = judge([evidence({ failures: 54 })], well, TARGET_MS);
  assert.is(found?.fault, 'errors');
  assert.ok(found && found.chance < 1e-50);
});

test('failing fast is failing', () => {
  assert.is(faultOf(evidence({ failures: 60, answered: 0, lossSumMs: 300_000 })), 'errors');
});

test('few failures are none, however unlikely', () => {
  assert.is(faultOf(evidence({ failures: 2 })), undefined, 'a handful by chance');
  const many = evidence({ attempts: 6_000, failures: 60 });
  assert.is(faultOf(many), undefined, 'one in a hundred is far beyond chance, and nobody is woken for it');
});

test('a backend that always failed a part is judged by what it still answered', () => {
  const poor = { ...goodPast, errorRatio: 0.4, errorBound: 0.42 };
  assert.is(faultOf(evidence({ failures: 60 }, poor)), 'errors', 'three times 40 % is more than there is');
  assert.is(faultOf(evidence({ failures: 33 }, poor)), undefined);
});

test('slow calls are a fault where the mean has doubled too', () => {
  assert.is(faultOf(evidence({ slow: 40 })), 'slowness');
  assert.is(faultOf(evidence({ slow: 5, lossSumMs: 6_000 })), undefined, 'less than a tenth is slow');
  assert.is(faultOf(evidence({ slow: 12, lossSumMs: 2_400 })), undefined, 'the mean has not doubled');
});

test('a rise that is small beside the target wakes nobody', () => {
  const quick = { ...goodPast, lossMs: 1, errorRatio: 0, slowAboveMs: 2 };
  assert.is(faultOf(evidence({ slow: 60, lossSumMs: 60 * 4 }, quick)), undefined, '1 ms to 4 with a target of 500');
  assert.is(faultOf(evidence({ slow: 60, lossSumMs: 60 * 10 }, quick), evidence({ lossSumMs: 60 }, quick)), 'slowness');
});

test('failures neither make a backend slow nor hide that it is', () => {
  assert.is(faultOf(evidence({ slow: 6, failures: 1 })), undefined, 'one failure is no slowness');
  const leaky = { ...goodPast, errorRatio: 0.01, errorBound: 0.02, lossMs: 20 + 50 };
  const found = faultOf(evidence({ slow: 40, lossSumMs: 60 * 80 }, leaky), evidence({ lossSumMs: 1_200 }, leaky));
  assert.is(found, 'slowness', 'four times as slow, and the past failed one in a hundred');
});

test('where all are slow, none is', () => {
  const slow = evidence({ slow: 40 });
  assert.is(faultOf(slow, evidence({ slow: 40 })), undefined);
  assert.is(faultOf(slow, evidence({ slow: 20 })), undefined);
});

test('in the first window in which all are slow, two good ones before hide it from nobody', () => {
  const siblings = evidenceOf([counts(), counts(), counts({ slow: 30 })], goodPast);
  assert.is(faultOf(evidence({ slow: 40 }), siblings), undefined);
  assert.is(faultOf(evidence({ slow: 40 }), evidenceOf([counts(), counts(), counts()], goodPast)), 'slowness');
});

test('a sibling that failed once does not hide a slow backend', () => {
  const siblings = evidenceOf([counts(), counts({ failures: 1 }), counts()], goodPast);
  assert.is(faultOf(evidence({ slow: 60, lossSumMs: 60 * 200 }), siblings), 'slowness');
});

test('where the others are no better there is nowhere to go', () => {
  const far = evidence({ lossSumMs: 60 * 90 }, { ...goodPast, lossMs: 90 });
  assert.is(faultOf(evidence({ slow: 40 }), far), undefined);
  assert.is(judge([evidence({ failures: 60 })], undefined, TARGET_MS), undefined);
  assert.is(faultOf(evidence({ failures: 60 }), evidence({ attempts: 0, answered: 0, lossSumMs: 0 })), undefined);
});

test('a backend without a past must mostly fail, in enough attempts, while its siblings do not', () => {
  const cold = (attempts: number, failures: number) => evidence({ attempts, failures }, noPast);
  assert.is(faultOf(cold(20, 11)), 'errors');
  assert.is(faultOf(cold(19, 19)), undefined, 'too few');
  assert.is(faultOf(cold(20, 10)), undefined, 'half is not most');
  assert.is(faultOf(cold(20, 12), evidence({ failures: 20 })), undefined, 'a third of the siblings fail too');
  assert.is(faultOf(evidence({ slow: 60 }, noPast)), undefined, 'slow compared with what?');
});

test('the first span that shows a fault is its evidence', () => {
  const spans = [evidence(), evidence({ attempts: 120, failures: 60 }), evidence({ attempts: 180, failures: 90 })];
  assert.is(judge(spans, well, TARGET_MS)?.evidence, spans[1]);
  assert.is(judge([], well, TARGET_MS), undefined);
});

test('a mild doubt makes a backend suspect, a single failure does not', () => {
  assert.not(isSuspect(evidence()));
  assert.not(isSuspect(evidence({ failures: 1 })));
  assert.ok(isSuspect(evidence({ failures: 3 })));
  assert.not(isSuspect(evidence({ slow: 2 })));
  assert.ok(isSuspect(evidence({ slow: 5 })));
  assert.not(isSuspect(evidence({ attempts: 0, answered: 0, lossSumMs: 0 })));
});

test('without a past, suspect is who fails more often than not', () => {
  assert.ok(isSuspect(evidence({ attempts: 3, failures: 2 }, noPast)));
  assert.not(isSuspect(evidence({ attempts: 2, failures: 2 }, noPast)));
  assert.not(isSuspect(evidence({ attempts: 4, failures: 2 }, noPast)));
});

test.run();
