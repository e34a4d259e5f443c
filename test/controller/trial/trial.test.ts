/** One trial, window by window: every way it can go on or end, with windows made by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LossSum } from '../../../controller/decide/loss.ts';
import {
  figuresOf,
  meanOf,
  startTrial,
  stepTrial,
  type Trial,
  type TrialSettings,
  type TrialStart,
  type TrialStep,
  trialShareOf,
} from '../../../controller/trial/trial.ts';
import { arm, momentsAbout, nobody, windowOf } from './arms.ts';

const settings: TrialSettings = { stages: [0.05, 0.25, 1], alpha: 0.05, maxDurationMs: 120_000, errorBudget: 0.001 };

function start(more: Partial<TrialSettings> = {}, rest: Partial<TrialStart> = {}): Trial {
  const base: TrialStart = {
    id: 7,
    from: { v1: 5_000, v2: 5_000 },
    to: { v1: 7_000, v2: 3_000 },
    reason: 'a test',
    predictedLossMs: 18,
    settings: { ...settings, ...more },
    before: momentsAbout(20),
    expectedVariance: 20_000,
    blockWindows: 1,
    ...rest,
  };
  return startTrial(base, 0);
}

/** A window that ends at `second`: what the trial arm and the stable arm saw. */
type Windows = (second: number) => readonly [trial: LossSum, stable: LossSum];

/** A little unlike from window to window, as windows are. */
const wobble = (second: number) => (second % 2 === 0 ? 0.99 : 1.01);
const both =
  (trialMs: number, stableMs: number): Windows =>
  (second) => [arm(30, trialMs * wobble(second)), arm(100, stableMs * wobble(second))];
const full =
  (trialMs: number): Windows =>
  (second) => [arm(130, trialMs * wobble(second)), nobody];

/** Steps until the trial ends, at most `limit` windows; `windows` is asked again with each new stage. */
function play(trial: Trial, windows: (trial: Trial) => Windows, limit = 400): { steps: TrialStep[]; seconds: number } {
  const steps: TrialStep[] = [];
  for (let second = 1; second <= limit; second++) {
    const step = stepTrial(trial, windowOf(...windows(trial)(second)), second * 1_000);
    if (step.kind !== 'stay') steps.push(step);
    if (step.kind === 'end') return { steps, seconds: second };
  }
  return { steps, seconds: limit };
}

const endOf = ({ steps }: { steps: readonly TrialStep[] }) => {
  const last = steps.at(-1);
  return last?.kind === 'end' ? last : undefined;
};
const untilFull =
  (before: Windows, after: Windows) =>
  (trial: Trial): Windows =>
    trialShareOf(trial) < 1 ? before : after;

test('a better proposal goes from stage to stage, says why each time, and is kept', () => {
  const trial = start();
  const played = play(trial, untilFull(both(15, 20), full(15)));
  assert.equal(
    played.steps.map(({ kind }) => kind),
    ['advance', 'advance', 'end'],
  );
  const [first, second] = played.steps;
  assert.ok(first?.kind === 'advance' && second?.kind === 'advance');
  assert.match(first.why, /^(no harm seen|better beyond chance): 15 ms against 20 ms a call.*$/);
  assert.match(second.why, /^better beyond chance: 15 ms against 20 ms a call, difference -5 ms ± .*ms$/);
  assert.is(endOf(played)?.verdict, 'kept');
  assert.match(endOf(played)?.why ?? '', /^better beyond chance: .*; with every call on the new weights 15 ms a call$/);
});

test('a stage takes five windows and twenty attempts at least', () => {
  const quick = start();
  assert.equal(stageOf(quick, both(15, 20), 4), 0);
  assert.equal(stageOf(quick, both(15, 20), 1), 1);
  const thin = start();
  const few: Windows = () => [arm(2, 15), arm(100, 20)];
  assert.equal(stageOf(thin, few, 9), 0, '18 attempts');
  assert.equal(stageOf(thin, few, 1), 1);
});

function stageOf(trial: Trial, windows: Windows, count: number): number {
  for (let i = 0; i < count; i++) stepTrial(trial, windowOf(...windows(i)), 1_000);
  return trial.stage;
}

test('windows in which one arm had no call do not count for a stage', () => {
  const trial = start();
  assert.is(
    stageOf(trial, () => [arm(30), nobody], 10),
    0,
  );
  assert.is(
    stageOf(trial, () => [nobody, arm(100)], 10),
    0,
  );
});

test('the stage of everybody needs proof: without it the trial stays until its time is up, then it is reverted', () => {
  const trial = start();
  const played = play(trial, () => both(20, 20));
  assert.is(trial.stage, 1);
  assert.is(played.seconds, 120);
  assert.is(endOf(played)?.verdict, 'reverted');
  assert.match(
    endOf(played)?.why ?? '',
    /^no difference shown in 120 s: 20 ms against 20 ms a call, difference 0 ms ±/,
  );
});

test('harm beyond chance is reverted at once, in the first stage', () => {
  const trial = start();
  const played = play(trial, () => both(40, 20));
  assert.is(endOf(played)?.verdict, 'reverted');
  assert.match(endOf(played)?.why ?? '', /^the trial did harm beyond chance: 40 ms against 20 ms a call/);
  assert.ok(played.seconds <= 25, `${played.seconds} s`);
});

test('failures beyond chance are reverted before the means can tell', () => {
  const trial = start();
  const step = stepTrial(trial, windowOf(arm(30, 400, 12), arm(1_000, 20, 1)), 1_000);
  assert.equal(step, {
    kind: 'end',
    verdict: 'reverted',
    why: 'the trial arm failed 12 of 30 calls (40 %), the stable arm 0.1 %, beyond chance',
  });
});

test('failures that the stable arm has too, or that are a handful, are no harm', () => {
  assert.is(stepTrial(start(), windowOf(arm(30, 20, 4), arm(1_000, 20, 0)), 1_000).kind, 'stay');
  assert.is(stepTrial(start(), windowOf(arm(30, 20, 12), arm(1_000, 20, 400)), 1_000).kind, 'stay');
  assert.is(stepTrial(start(), windowOf(arm(30, 20, 12), nobody), 1_000).kind, 'stay', 'compared with what?');
});

test('when the stable arm gets worse than it was the trial is aborted, whatever the trial arm does', () => {
  const trial = start();
  const played = play(trial, () => both(30, 40));
  assert.is(endOf(played)?.verdict, 'aborted');
  assert.match(
    endOf(played)?.why ?? '',
    /^calls outside the trial got worse beyond chance .* from 20 ms to 40 ms a call/,
  );
  assert.ok(played.seconds <= 10, `${played.seconds} s`);
});

test('a stable arm a third worse is not yet unsafe', () => {
  assert.is.not(endOf(play(start(), () => both(26, 26)))?.verdict, 'aborted');
});

test('better for a few and worse for all is reverted', () => {
  const trial = start();
  const played = play(trial, untilFull(both(15, 20), full(60)));
  assert.is(endOf(played)?.verdict, 'reverted');
  assert.match(
    endOf(played)?.why ?? '',
    'with every call on the new weights a call costs 60 ms, against 20 ms before, worse beyond chance',
  );
});

test('everybody is watched for eight windows, the mixed one at the start not counted', () => {
  const trial = start();
  const played = play(trial, untilFull(both(15, 20), full(15)));
  const fullAt = play(start(), untilFull(both(15, 20), full(15)), 400).seconds;
  assert.is(trial.fullMeans.count, 8);
  const late = start();
  let mixed = 0;
  const withMixture = (of: Trial): Windows => {
    if (trialShareOf(of) < 1) return both(15, 20);
    mixed += 1;
    return mixed === 1 ? both(500, 20) : full(15);
  };
  assert.is(play(late, withMixture).seconds, fullAt + 1);
  assert.is(endOf(played)?.verdict, 'kept');
});

test('a proven trial that nobody calls any more gets twice its time', () => {
  const trial = start();
  const played = play(
    trial,
    untilFull(both(15, 20), () => [nobody, nobody]),
  );
  assert.is(played.seconds, 240);
  assert.equal(endOf(played), {
    kind: 'end',
    verdict: 'reverted',
    why: 'too few calls came in 240 s to watch the new weights with every call on them',
  });
});

test('a trial that nobody calls at all ends in its time', () => {
  const played = play(start(), () => () => [nobody, nobody]);
  assert.is(played.seconds, 120);
  assert.match(endOf(played)?.why ?? '', 'no difference shown in 120 s: 0 ms against 0 ms a call so far');
});

test('where the last stage is a part, proof is enough to keep it', () => {
  const played = play(start({ stages: [0.5] }), () => both(15, 20));
  assert.is(endOf(played)?.verdict, 'kept');
  assert.match(endOf(played)?.why ?? '', /^better beyond chance: 15 ms against 20 ms a call/);
});

test('where everybody is the only stage, before and after are compared', () => {
  const only = { stages: [1] };
  assert.is(endOf(play(start(only), () => full(15)))?.verdict, 'kept');
  assert.is(endOf(play(start(only), () => full(30)))?.verdict, 'reverted');
  const same = play(start(only), () => full(20));
  assert.is(endOf(same)?.verdict, 'reverted');
  assert.is(same.seconds, 120, 'no better in its time');
});

test('a block that a change of shares cut in two is dropped', () => {
  const trial = start();
  for (let second = 1; second <= 10; second++) stepTrial(trial, windowOf(arm(3, 20), arm(100, 20)), second * 1_000);
  assert.is(trial.stage, 1);
  assert.is(trial.sequence.trial.attempts, 0);
  assert.is(trial.sequence.stable.attempts, 0);
});

test('the same windows lead to the same steps, and the settings are not touched', () => {
  const frozen = Object.freeze({ ...settings, stages: Object.freeze([0.05, 0.25, 1]) });
  const run = () => play(start(frozen), untilFull(both(15, 20), full(15)));
  assert.equal(run(), run());
});

test('figures are said with what is known of them', () => {
  const trial = start();
  assert.is(figuresOf(trial), '0 ms against 0 ms a call so far');
  assert.is(meanOf(nobody), 0);
  stepTrial(trial, windowOf(arm(30, 24), arm(100, 31)), 1_000);
  assert.match(figuresOf(trial), /^24 ms against 31 ms a call, difference -7 ms ± \d+ ms$/);
});

test.run();
