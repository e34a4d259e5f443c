/**
 * An always-valid test of the difference of mean loss between two arms: it may be looked at after every window and
 * stopped at any, and the chance that it ever speaks although there is no difference stays within alpha.
 *
 * The unit is a block of windows, not a call: calls of one window wait in the same queues and share its shocks, so they
 * are not independent; the difference between the arms of one block is free of what both arms shared. Block i adds
 *
 *   x_i = h_i · (mean loss of trial − mean loss of stable),   h_i = n_trial · n_stable / (n_trial + n_stable)
 *
 * where h_i, the effective count, gives rich blocks their due. With S = Σ x_i and V = Σ x_i² the test speaks once
 *
 *   |S| ≥ sqrt( (V + ρ) · ln( (V + ρ) / (ρ · α²) ) )
 *
 * the two-sided normal mixture boundary: Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic
 * confidence sequences", Annals of Statistics 2021, section 3.2, with the self-normalised V of their table 3 (exact for
 * conditionally symmetric x_i, whatever their tails); for others asymptotically, as Waudby-Smith and others, "Time-uniform central
 * limit theory and asymptotic confidence sequences", Annals of Statistics 2024. Johari and others, "Peeking at A/B tests",
 * KDD 2017, is the same mixture as a sequential test. Latencies are skewed, so a block holds at least LEAST_BLOCK attempts
 * of either arm before it counts, and LEAST_BLOCKS blocks are needed before the test may speak.
 */
import { emptyLoss, type LossSum } from '../decide/loss.ts';

const LEAST_BLOCK = 20;
const LEAST_BLOCKS = 5;
/** ms² */
const LEAST_RHO = 1e-9;

export interface Sequence {
  readonly alpha: number;
  /** Sets where the boundary is tightest; any positive value is valid as long as it was chosen before the data. */
  readonly rho: number;
  sum: number;
  squares: number;
  /** Sum of h_i. */
  effectiveCount: number;
  blocks: number;
  /** Windows that a block takes at least. */
  readonly blockWindows: number;
  /** The block being filled. */
  windows: number;
  trial: LossSum;
  stable: LossSum;
}

/**
 * @param expectedVariance V at which a decision is expected, ms²
 * @param blockWindows windows of a block at least, so that blocks are independent where windows are not
 */
export function newSequence(alpha: number, expectedVariance: number, blockWindows = 1): Sequence {
  // Howard and others, section 3.5: the rho that makes the boundary tightest at V, to first order.
  const rho = expectedVariance / (-2 * Math.log(alpha) + Math.log(1 - 2 * Math.log(alpha)));
  return {
    alpha,
    rho: Number.isFinite(rho) ? Math.max(LEAST_RHO, rho) : LEAST_RHO,
    sum: 0,
    squares: 0,
    effectiveCount: 0,
    blocks: 0,
    blockWindows,
    windows: 0,
    trial: emptyLoss(),
    stable: emptyLoss(),
  };
}

/**
 * Drops the block being filled. For when the arms' shares change: a block that mixes shares weighs good and bad windows
 * unequally in the two arms, and finds a difference that is none.
 */
export function dropBlock(of: Sequence): void {
  of.windows = 0;
  of.trial = emptyLoss();
  of.stable = emptyLoss();
}

/** Adds one window of both arms. */
export function addWindow(to: Sequence, trial: LossSum, stable: LossSum): void {
  addInto(to.trial, trial);
  addInto(to.stable, stable);
  to.windows += 1;
  const { attempts: trialCount } = to.trial;
  const { attempts: stableCount } = to.stable;
  if (to.windows < to.blockWindows || Math.min(trialCount, stableCount) < LEAST_BLOCK) return;
  const effective = (trialCount * stableCount) / (trialCount + stableCount);
  const x = effective * (to.trial.lossSumMs / trialCount - to.stable.lossSumMs / stableCount);
  to.sum += x;
  to.squares += x * x;
  to.effectiveCount += effective;
  to.blocks += 1;
  dropBlock(to);
}

export type Finding = 'better' | 'worse' | 'open';

export function findingOf({ sum, squares, blocks, rho, alpha }: Sequence): Finding {
  // Asked so that a figure that is no number leaves it open.
  if (blocks < LEAST_BLOCKS || !(Math.abs(sum) >= boundaryAt(squares, rho, alpha))) return 'open';
  return sum < 0 ? 'better' : 'worse';
}

/** Mean loss of trial minus stable and half the width of its always-valid interval, ms. */
export function differenceOf({ sum, squares, effectiveCount, rho, alpha }: Sequence): {
  meanMs: number;
  halfWidthMs: number;
} {
  if (effectiveCount <= 0) return { meanMs: 0, halfWidthMs: Number.POSITIVE_INFINITY };
  return { meanMs: sum / effectiveCount, halfWidthMs: boundaryAt(squares, rho, alpha) / effectiveCount };
}

/**
 * Effective attempts after which a true difference is found more often than not. The 3.5 deviations are where the boundary
 * stands at alpha 0.05 once V has grown to a few times rho, and some more for luck. It takes about 12 blocks in any case,
 * whatever the difference: each block is one vote, and V grows with its square. At a thousand calls a second that, and not
 * this count, is what a trial waits for.
 */
export function effectiveCountFor(deviationMs: number, differenceMs: number): number {
  return ((3.5 * deviationMs) / differenceMs) ** 2;
}

export function boundaryAt(variance: number, rho: number, alpha: number): number {
  return Math.sqrt((variance + rho) * Math.log((variance + rho) / (rho * alpha * alpha)));
}

function addInto(to: LossSum, from: LossSum): void {
  to.attempts += from.attempts;
  to.failures += from.failures;
  to.lossSumMs += from.lossSumMs;
}
