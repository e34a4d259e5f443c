/**
 * One trial: a proposal in force for a growing share of requests, until the figures speak. Plain data and one function
 * that takes a window and says what follows.
 *
 *   harm         the sequence says worse, or the trial arm fails beyond chance more than the stable arm: reverted at once
 *   unsafe       the stable arm got worse than before the trial: aborted, since through shared queues that may be the
 *                trial's doing, and if it is not, the comparison has lost its ground
 *   next stage   enough windows and attempts, no harm; the stage of everybody also needs the sequence to say better
 *   kept         better, and everybody on it has been no worse than the stable arm was
 *   reverted     undecided when the time is up: no difference shown
 */

import { emptyLoss, type LossSum } from '../decide/loss.ts';
import { addMean, compare, isBetter, isWorse, type Moments, noMoments } from '../decide/moments.ts';
import type { Weights } from '../decide/policy.ts';
import { upperTail, wilsonUpper } from '../decide/relief/chance.ts';
import { milliseconds, percent, seconds } from '../decide/say.ts';
import type { Verdict } from '../decision.ts';
import { addWindow, differenceOf, dropBlock, findingOf, newSequence, type Sequence } from './sequence.ts';
import { type Arms, armsByStrata, type Strata } from './strata.ts';

/** Windows with both arms in them that a stage takes at least. */
const LEAST_STAGE_WINDOWS = 5;
/** Attempts in the trial arm that a stage takes at least. */
const LEAST_STAGE_ATTEMPTS = 20;
/** Windows that everybody is watched for before the verdict. */
const FULL_WINDOWS = 8;
/** Part of alpha that the sequence gets; the rest is for the guards beside it. */
const SEQUENCE_PART = 0.9;
/** Chance at which the trial arm's failures are no accident; over 1,000 looks it costs at most 0.1 %. */
const FAILURES_BY_CHANCE = 1e-6;
const LEAST_FAILURES = 5;
const STABLE_WORSE_FACTOR = 1.5;
const FULL_WORSE_FACTOR = 1.2;
/** A trial that nobody calls ends after this many times its time. */
const PATIENCE = 2;

export interface TrialSettings {
  readonly stages: readonly number[];
  readonly alpha: number;
  readonly maxDurationMs: number;
  readonly errorBudget: number;
}

export interface Trial {
  readonly id: number;
  readonly from: Weights;
  readonly to: Weights;
  readonly reason: string;
  readonly predictedLossMs: number | undefined;
  readonly startedMs: number;
  readonly settings: TrialSettings;
  readonly sequence: Sequence;
  readonly strata: Strata;
  /** Window means of the service before the trial. */
  readonly before: Moments;
  /** Index into stages. */
  stage: number;
  stageWindows: number;
  stageAttempts: number;
  readonly trialArm: LossSum;
  readonly stableArm: LossSum;
  readonly stableMeans: Moments;
  readonly fullMeans: Moments;
}

export type TrialStep =
  | { readonly kind: 'stay' }
  | { readonly kind: 'advance'; readonly why: string }
  | { readonly kind: 'end'; readonly verdict: Verdict; readonly why: string };

export interface TrialStart {
  readonly id: number;
  readonly from: Weights;
  readonly to: Weights;
  readonly reason: string;
  readonly predictedLossMs: number | undefined;
  readonly settings: TrialSettings;
  readonly before: Moments;
  /** Variance of the sequence at which a decision is expected, ms². */
  readonly expectedVariance: number;
  /** Windows of a block of the sequence, at least. */
  readonly blockWindows: number;
}

export function startTrial(start: TrialStart, nowMs: number): Trial {
  const { expectedVariance, blockWindows, before, ...rest } = start;
  return {
    ...rest,
    startedMs: nowMs,
    sequence: newSequence(start.settings.alpha * SEQUENCE_PART, expectedVariance, blockWindows),
    before: { ...before },
    strata: new Map(),
    stage: 0,
    stageWindows: 0,
    stageAttempts: 0,
    trialArm: emptyLoss(),
    stableArm: emptyLoss(),
    stableMeans: noMoments(),
    fullMeans: noMoments(),
  };
}

/** Share of requests in the trial arm, 0 to 1. */
export function trialShareOf(trial: Trial): number {
  return trial.settings.stages[trial.stage] ?? 1;
}

/** Takes the window that ended at `nowMs`. */
export function stepTrial(trial: Trial, window: Arms, nowMs: number): TrialStep {
  take(trial, window);
  return (
    harmIn(trial) ??
    unsafeIn(trial) ??
    verdictIn(trial) ??
    advanceIn(trial) ??
    timeUpIn(trial, nowMs) ?? { kind: 'stay' }
  );
}

/** `24 ms against 31 ms a call, −7.1 ± 3.2 ms` */
export function figuresOf({ trialArm, stableArm, sequence }: Trial): string {
  const { meanMs, halfWidthMs } = differenceOf(sequence);
  const means = `${milliseconds(meanOf(trialArm))} against ${milliseconds(meanOf(stableArm))} a call`;
  if (!Number.isFinite(halfWidthMs)) return `${means} so far`;
  return `${means}, difference ${milliseconds(meanMs)} ± ${milliseconds(halfWidthMs)}`;
}

export function meanOf({ lossSumMs, attempts }: LossSum): number {
  return attempts > 0 ? lossSumMs / attempts : 0;
}

function take(trial: Trial, window: Arms): void {
  const { trial: trialArm, stable: stableArm } = window;
  add(trial.trialArm, trialArm);
  trial.stageAttempts += trialArm.attempts;
  if (isFull(trial)) {
    if (trialArm.attempts === 0) return;
    trial.stageWindows += 1;
    // The window in which the last stage came into force is still a mixture.
    if (stableArm.attempts * 10 < trialArm.attempts) addMean(trial.fullMeans, meanOf(trialArm));
    return;
  }
  add(trial.stableArm, stableArm);
  const told = armsByStrata(trial.strata, trial.from, trial.to, window);
  if (told) addWindow(trial.sequence, told.trial, told.stable);
  if (stableArm.attempts > 0) addMean(trial.stableMeans, meanOf(stableArm));
  if (trialArm.attempts > 0 && stableArm.attempts > 0) trial.stageWindows += 1;
}

function harmIn(trial: Trial): TrialStep | undefined {
  if (findingOf(trial.sequence) === 'worse') {
    return { kind: 'end', verdict: 'reverted', why: `the trial did harm beyond chance: ${figuresOf(trial)}` };
  }
  const { trialArm, stableArm, settings } = trial;
  const past = Math.max(settings.errorBudget, wilsonUpper(stableArm.failures, stableArm.attempts, 2));
  if (trialArm.failures < LEAST_FAILURES || stableArm.attempts === 0) return undefined;
  if (upperTail(trialArm.failures, trialArm.attempts, past) >= FAILURES_BY_CHANCE) return undefined;
  const ratio = (arm: LossSum) => percent(arm.failures / Math.max(1, arm.attempts));
  const why = `the trial arm failed ${trialArm.failures} of ${trialArm.attempts} calls (${ratio(trialArm)}), the stable arm ${ratio(stableArm)}, beyond chance`;
  return { kind: 'end', verdict: 'reverted', why };
}

function unsafeIn({ before, stableMeans }: Trial): TrialStep | undefined {
  const comparison = compare(before, stableMeans);
  if (!isWorse(comparison, STABLE_WORSE_FACTOR)) return undefined;
  const why = `calls outside the trial got worse beyond chance while it ran, from ${milliseconds(comparison.beforeMs)} to ${milliseconds(comparison.afterMs)} a call, so it is not safe to go on`;
  return { kind: 'end', verdict: 'aborted', why };
}

function verdictIn(trial: Trial): TrialStep | undefined {
  const isLast = trial.stage >= trial.settings.stages.length - 1;
  if (!isLast) return undefined;
  if (!isFull(trial)) {
    if (findingOf(trial.sequence) !== 'better' || !hasEvidence(trial)) return undefined;
    return { kind: 'end', verdict: 'kept', why: `better beyond chance: ${figuresOf(trial)}` };
  }
  const wasTried = trial.stableMeans.count >= LEAST_STAGE_WINDOWS;
  const comparison = compare(wasTried ? trial.stableMeans : trial.before, trial.fullMeans);
  if (isWorse(comparison, FULL_WORSE_FACTOR)) {
    const why = `with every call on the new weights a call costs ${milliseconds(comparison.afterMs)}, against ${milliseconds(comparison.beforeMs)} before, worse beyond chance`;
    return { kind: 'end', verdict: 'reverted', why };
  }
  if (trial.fullMeans.count < FULL_WINDOWS || !(wasTried || isBetter(comparison))) return undefined;
  const full = `with every call on the new weights ${milliseconds(trial.fullMeans.meanMs)} a call`;
  return { kind: 'end', verdict: 'kept', why: wasTried ? `better beyond chance: ${figuresOf(trial)}; ${full}` : full };
}

function advanceIn(trial: Trial): TrialStep | undefined {
  const { stages } = trial.settings;
  const next = stages[trial.stage + 1];
  if (next === undefined || !hasEvidence(trial)) return undefined;
  if (next >= 1 && findingOf(trial.sequence) !== 'better') return undefined;
  trial.stage += 1;
  trial.stageWindows = 0;
  trial.stageAttempts = 0;
  dropBlock(trial.sequence);
  const shown = next >= 1 ? 'better beyond chance' : 'no harm seen';
  return { kind: 'advance', why: `${shown}: ${figuresOf(trial)}` };
}

function timeUpIn(trial: Trial, nowMs: number): TrialStep | undefined {
  const ranMs = nowMs - trial.startedMs;
  const isProven = isFull(trial) && trial.stableMeans.count >= LEAST_STAGE_WINDOWS;
  const { maxDurationMs } = trial.settings;
  if (ranMs < (isProven ? PATIENCE * maxDurationMs : maxDurationMs)) return undefined;
  const why = isProven
    ? `too few calls came in ${seconds(ranMs)} to watch the new weights with every call on them`
    : `no difference shown in ${seconds(ranMs)}: ${figuresOf(trial)}`;
  return { kind: 'end', verdict: 'reverted', why };
}

function hasEvidence({ stageWindows, stageAttempts }: Trial): boolean {
  return stageWindows >= LEAST_STAGE_WINDOWS && stageAttempts >= LEAST_STAGE_ATTEMPTS;
}

function isFull(trial: Trial): boolean {
  return trialShareOf(trial) >= 1;
}

function add(to: LossSum, from: LossSum): void {
  to.attempts += from.attempts;
  to.failures += from.failures;
  to.lossSumMs += from.lossSumMs;
}
