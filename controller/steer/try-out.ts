/** A trial from its start to its verdict, and the watch over what was kept. One group at a time. */
import { noMoments } from '../decide/moments.ts';
import type { Weights } from '../decide/policy.ts';
import { rounded } from '../decide/say.ts';
import type { Verdict } from '../decision.ts';
import { differenceOf, effectiveCountFor } from '../trial/sequence.ts';
import type { Arms } from '../trial/strata.ts';
import { meanOf, startTrial, stepTrial, type Trial, trialShareOf } from '../trial/trial.ts';
import { startWatch, stepWatch } from '../trial/watch.ts';
import { blockWindows } from './persistence.ts';
import { type Group, type Service, type Steps, setWeights } from './service.ts';
import { contrastVariance, groupLoadRps } from './view.ts';

const EVERYBODY_AT_ONCE = [1];
/** Blocks that any finding takes, however large the difference (trial/sequence.ts). */
const BLOCKS_TO_FIND = 10;
/** Of a window as it usually is; only the width of the boundary hangs on it. */
const WINDOW_S = 1;
/** A trial that was not kept doubles the wait before the next, so often at most. */
const MAX_DOUBLINGS = 5;

export interface Wish {
  readonly to: Weights;
  readonly by: string;
  readonly reason: string;
  readonly predictedLossMs: number | undefined;
  /** Whether the gain is to come from queues that both arms wait in: then everybody tries it, against the time before. */
  readonly isShared: boolean;
  /** Mean loss of a call that the same figures give for the weights in force, ms. */
  readonly presentLossMs: number;
}

/** Puts a wish to the test. */
export function beginTrial(service: Service, group: Group, wish: Wish, steps: Steps): void {
  const { objective, trial: asked } = service.route.spec;
  const varianceMs2 = contrastVariance(service, group, group.weights, wish.to);
  const block = blockWindows(group, group.weights, wish.to);
  const gainMs = Math.max(
    wish.presentLossMs - (wish.predictedLossMs ?? wish.presentLossMs),
    0.02 * wish.presentLossMs,
    0.01,
  );
  const settings = {
    stages: wish.isShared ? EVERYBODY_AT_ONCE : asked.stages,
    alpha: asked.alpha,
    maxDurationMs: asked.maxDurationS * 1_000,
    errorBudget: objective.errorBudget,
  };
  const trial = startTrial(
    {
      id: steps.nextTrialId(),
      from: group.weights,
      to: wish.to,
      reason: wish.reason,
      predictedLossMs: wish.predictedLossMs,
      settings,
      before: group.means,
      expectedVariance: Math.max(
        (varianceMs2 / 4) * effectiveCountFor(Math.sqrt(varianceMs2), gainMs),
        BLOCKS_TO_FIND * (groupLoadRps(group, steps.at.nowMs) * WINDOW_S * block * (gainMs / 2)) ** 2,
      ),
      blockWindows: block,
    },
    steps.at.nowMs,
  );
  group.trial = trial;
  group.watch = undefined;
  sayStage(service, group, trial, wish.by, wish.reason, steps);
}

/** Takes the window that ended: the trial goes on, advances or ends; or what was kept is watched. */
export function stepTryOut(service: Service, group: Group, arms: Arms, steps: Steps): void {
  const { trial } = group;
  if (!trial) {
    stepKept(service, group, steps);
    return;
  }
  const step = stepTrial(trial, arms, steps.at.nowMs);
  if (step.kind === 'advance') sayStage(service, group, trial, 'trial', step.why, steps);
  else if (step.kind === 'end') endTrial(service, group, step.verdict, step.why, steps);
}

/** Ends the running trial: kept weights become the stable ones, else those before stay. */
export function endTrial(service: Service, group: Group, verdict: Verdict, why: string, steps: Steps): void {
  const { trial } = group;
  if (!trial) return;
  const { nowMs, wallMs } = steps.at;
  const cooldownMs = service.route.spec.guard.cooldownS * 1_000;
  group.trial = undefined;
  if (verdict === 'kept') {
    setWeights(group, trial.to);
    group.fruitless = 0;
    group.quietUntilMs = nowMs + cooldownMs;
    group.watch = startWatch(
      { trialId: trial.id, back: trial.from, before: trial.before, beforeRps: groupLoadRps(group, nowMs) },
      nowMs,
    );
  } else {
    group.fruitless += verdict === 'reverted' ? 1 : 0;
    group.quietUntilMs = nowMs + cooldownMs * 2 ** Math.min(group.fruitless, MAX_DOUBLINGS);
  }
  group.means = noMoments();
  const { meanMs, halfWidthMs } = differenceOf(trial.sequence);
  const hasMeasured = trial.trialArm.attempts > 0;
  steps.decide({
    atMs: wallMs,
    kind: 'verdict',
    service: service.name,
    group: group.name,
    by: 'trial',
    from: verdict === 'kept' ? trial.from : trial.to,
    to: verdict === 'kept' ? trial.to : trial.from,
    why,
    trial: stageOf(trial),
    ...(trial.predictedLossMs === undefined ? {} : { predictedLossMs: trial.predictedLossMs }),
    ...(hasMeasured ? { measuredLossMs: meanOf(trial.trialArm) } : {}),
    verdict,
    evidence: {
      trialAttempts: trial.trialArm.attempts,
      trialFailures: trial.trialArm.failures,
      trialLossMs: rounded(meanOf(trial.trialArm)),
      stableAttempts: trial.stableArm.attempts,
      stableFailures: trial.stableArm.failures,
      stableLossMs: rounded(meanOf(trial.stableArm)),
      differenceMs: rounded(meanMs),
      ...(Number.isFinite(halfWidthMs) ? { halfWidthMs: rounded(halfWidthMs) } : {}),
      ranMs: Math.round(nowMs - trial.startedMs),
    },
  });
}

function stepKept(service: Service, group: Group, steps: Steps): void {
  const { watch, lastWindow } = group;
  if (!watch) return;
  const meanLossMs = lastWindow.attempts > 0 ? lastWindow.lossSumMs / lastWindow.attempts : undefined;
  const step = stepWatch(watch, meanLossMs, groupLoadRps(group, steps.at.nowMs), steps.at.nowMs);
  if (step.kind === 'watch') return;
  group.watch = undefined;
  if (step.kind !== 'revert') return;
  const from = group.weights;
  setWeights(group, watch.back);
  group.fruitless += 1;
  group.quietUntilMs =
    steps.at.nowMs + service.route.spec.guard.cooldownS * 1_000 * 2 ** Math.min(group.fruitless, MAX_DOUBLINGS);
  group.means = noMoments();
  const stages = service.route.spec.trial.stages.length;
  steps.decide({
    atMs: steps.at.wallMs,
    kind: 'verdict',
    service: service.name,
    group: group.name,
    by: 'watch',
    from,
    to: watch.back,
    why: step.why,
    trial: { id: watch.trialId, stage: stages, stages, share: 1 },
    verdict: 'reverted',
    evidence: { beforeMs: rounded(watch.before.meanMs), afterMs: rounded(watch.after.meanMs) },
  });
}

function sayStage(service: Service, group: Group, trial: Trial, by: string, why: string, steps: Steps): void {
  steps.decide({
    atMs: steps.at.wallMs,
    kind: 'trial',
    service: service.name,
    group: group.name,
    by,
    from: trial.from,
    to: trial.to,
    why,
    trial: stageOf(trial),
    ...(trial.predictedLossMs === undefined ? {} : { predictedLossMs: trial.predictedLossMs }),
    evidence: {
      stableAttempts: trial.stableArm.attempts,
      trialAttempts: trial.trialArm.attempts,
      beforeLossMs: rounded(trial.before.meanMs),
    },
  });
}

/** Stages counted from 1, as people do. */
export function stageOf(trial: Trial): { id: number; stage: number; stages: number; share: number } {
  return { id: trial.id, stage: trial.stage + 1, stages: trial.settings.stages.length, share: trialShareOf(trial) };
}
