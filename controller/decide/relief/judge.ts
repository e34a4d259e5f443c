/**
 * Is a backend plainly worse than its own past, beyond what chance explains?
 *
 * Errors: the exact binomial chance of so many failures in the last one, two or three windows, were the ratio still as high
 * as the past's bound; and the ratio has to have grown by enough to matter. Latency: the same chance for calls slower than
 * the past's p99, and a mean loss of twice the past's, and the other backends not slower too, since a crowd is no fault
 * of one backend. Errors are judged whatever the others do, since two of three may be down together; that all are is for
 * the step that acts on it to see. Three spans are looked at each window, so FALSE_ALARM is shared out between them.
 *
 * Designed false alarms: 3,600 windows × FALSE_ALARM = at most 0.004 an hour for each backend and test where calls are
 * independent. Calls are not, through queues; what the sizes of effect below are for.
 *
 * Several caller groups see the same backend: their counts and what their pasts expect add up (a sum of unlike
 * Bernoulli trials has lighter tails than the binomial of their mean: Hoeffding 1956), so a fault is found
 * faster the more groups call, although each measures latency against the past of its own path.
 */
import { worstMs } from '../loss.ts';
import { upperTail } from './chance.ts';
import { LEAST_PAST, type Past, type WindowCounts } from './lane.ts';

const FALSE_ALARM = 1e-6;
const SPANS = 3;
const LEAST_ERROR_RISE = 0.05;
const LEAST_ERROR_FACTOR = 3;
/** Where three times the past is more than there can be, half of what still answered has to fail. */
const LEAST_ANSWERED_LOST = 0.5;
const LEAST_SLOW_SHARE = 0.1;
const LEAST_LOSS_FACTOR = 2;
/** Nobody is woken for a backend that went from 1 ms to 2 with a target of 500: a rise below this part of it is left to improvement. */
const LEAST_RISE_OF_TARGET = 0.01;
/** Siblings this many times above their past are slow too, */
const SIBLINGS_SLOW = 1.5;
/** or those with this part of the backend's share of slow calls. */
const SIBLINGS_SLOW_PART = 0.3;
/** How unlikely counts make a backend suspect: enough to keep its windows out of the past and load away from it. */
const SUSPECT = 0.005;
/** With no past of its own a backend must fail this often, in this many attempts, while its siblings do not. */
const COLD_ERROR_RATIO = 0.5;
const COLD_ATTEMPTS = 20;

/** Counts of some windows beside what was expected of them. Sums over groups add up field by field. */
export interface Evidence {
  readonly spanMs: number;
  readonly attempts: number;
  readonly failures: number;
  readonly answered: number;
  readonly slow: number;
  readonly lossSumMs: number;
  readonly pastAttempts: number;
  readonly pastFailures: number;
  readonly expectedFailures: number;
  readonly expectedSlow: number;
  readonly expectedLossSumMs: number;
}

export type Fault = 'errors' | 'slowness';

export interface Judgement {
  readonly fault: Fault;
  readonly evidence: Evidence;
  /** Chance of such counts were nothing wrong. */
  readonly chance: number;
}

/** Plain sums and one literal, each field by name: this runs several times per lane and window. */
export function evidenceOf(windows: readonly WindowCounts[], past: Past): Evidence {
  let [spanMs, attempts, failures, answered, slow, lossSumMs] = [0, 0, 0, 0, 0, 0];
  for (const window of windows) {
    spanMs += window.passedMs;
    attempts += window.attempts;
    failures += window.failures;
    answered += window.answered;
    slow += window.slow;
    lossSumMs += window.lossSumMs;
  }
  return {
    spanMs,
    attempts,
    failures,
    answered,
    slow,
    lossSumMs,
    pastAttempts: past.attempts,
    pastFailures: past.attempts * past.errorRatio,
    expectedFailures: attempts * past.errorBound,
    expectedSlow: answered * past.slowBound,
    // Of a group without a past nothing is expected, so in a sum over groups it must weigh on neither side.
    expectedLossSumMs: past.attempts < LEAST_PAST ? lossSumMs : attempts * past.lossMs,
  };
}

/** Evidence of several groups or backends as one; nothing of none. */
export function addUp(parts: readonly Evidence[]): Evidence | undefined {
  const [first, ...rest] = parts;
  if (!first) return undefined;
  return rest.reduce(
    (sum, part) => ({
      spanMs: Math.max(sum.spanMs, part.spanMs),
      attempts: sum.attempts + part.attempts,
      failures: sum.failures + part.failures,
      answered: sum.answered + part.answered,
      slow: sum.slow + part.slow,
      lossSumMs: sum.lossSumMs + part.lossSumMs,
      pastAttempts: sum.pastAttempts + part.pastAttempts,
      pastFailures: sum.pastFailures + part.pastFailures,
      expectedFailures: sum.expectedFailures + part.expectedFailures,
      expectedSlow: sum.expectedSlow + part.expectedSlow,
      expectedLossSumMs: sum.expectedLossSumMs + part.expectedLossSumMs,
    }),
    first,
  );
}

/**
 * @param spans evidence of the last window, the last two, the last three
 * @param siblings the service's other backends over the last three windows; without any there is nowhere to go
 */
export function judge(
  spans: readonly Evidence[],
  siblings: Evidence | undefined,
  targetMs: number,
): Judgement | undefined {
  if (!siblings || siblings.attempts === 0) return undefined;
  for (const evidence of spans) {
    const found = errorsIn(evidence, siblings) ?? slownessIn(evidence, siblings, targetMs);
    if (found) return found;
  }
  return undefined;
}

/** Worse than its past by more than a mild doubt, whatever the size. */
export function isSuspect({
  attempts,
  failures,
  answered,
  slow,
  pastAttempts,
  expectedFailures,
  expectedSlow,
}: Evidence): boolean {
  if (pastAttempts < LEAST_PAST) return attempts >= 3 && failures > attempts / 2;
  return (
    (failures >= 2 && upperTail(failures, attempts, expectedFailures / attempts) < SUSPECT) ||
    (slow >= 2 && upperTail(slow, answered, expectedSlow / answered) < SUSPECT)
  );
}

function errorsIn(evidence: Evidence, siblings: Evidence): Judgement | undefined {
  const { attempts, failures, pastAttempts } = evidence;
  const ratio = failures / Math.max(1, attempts);
  if (pastAttempts < LEAST_PAST) {
    const siblingRatio = siblings.failures / siblings.attempts;
    if (attempts < COLD_ATTEMPTS || ratio <= COLD_ERROR_RATIO || siblingRatio > ratio / 2) return undefined;
    return { fault: 'errors', evidence, chance: upperTail(failures, attempts, Math.max(siblingRatio, 0.01)) };
  }
  const bound = evidence.expectedFailures / Math.max(1, attempts);
  const pastRatio = evidence.pastFailures / pastAttempts;
  const grown = Math.min(pastRatio * LEAST_ERROR_FACTOR, pastRatio + LEAST_ANSWERED_LOST * (1 - pastRatio));
  if (ratio < Math.max(pastRatio + LEAST_ERROR_RISE, grown, bound)) return undefined;
  const chance = upperTail(failures, attempts, bound);
  return chance < FALSE_ALARM / SPANS ? { fault: 'errors', evidence, chance } : undefined;
}

function slownessIn(evidence: Evidence, siblings: Evidence, targetMs: number): Judgement | undefined {
  const { attempts, answered, slow, lossSumMs, pastAttempts, pastFailures } = evidence;
  const pastAnswered = pastAttempts - pastFailures;
  if (pastAnswered < LEAST_PAST || answered === 0 || slow < LEAST_SLOW_SHARE * answered) return undefined;
  const meanMs = answeredLossMs(evidence, targetMs) / answered;
  const pastMs = expectedAnsweredLossMs(evidence, targetMs) / (attempts * (pastAnswered / pastAttempts));
  if (meanMs < LEAST_LOSS_FACTOR * pastMs || meanMs - pastMs < LEAST_RISE_OF_TARGET * targetMs) return undefined;
  if (areSlowToo(siblings, evidence, targetMs)) return undefined;
  if (lossSumMs / attempts <= siblings.lossSumMs / siblings.attempts) return undefined;
  const chance = upperTail(slow, answered, evidence.expectedSlow / answered);
  return chance < FALSE_ALARM / SPANS ? { fault: 'slowness', evidence, chance } : undefined;
}

/**
 * Siblings are seen over three windows, the backend over as few as one: in the window in which everything turns slow, two
 * good ones hide it. So their slow calls are taken to be all of the backend's span, which errs towards no judgement.
 */
function areSlowToo(siblings: Evidence, evidence: Evidence, targetMs: number): boolean {
  const expectedMs = expectedAnsweredLossMs(siblings, targetMs);
  if (answeredLossMs(siblings, targetMs) > SIBLINGS_SLOW * expectedMs) return true;
  const dilution = Math.max(1, siblings.spanMs / Math.max(1, evidence.spanMs));
  const slowRatio = (siblings.slow / Math.max(1, siblings.answered)) * dilution;
  return slowRatio > SIBLINGS_SLOW_PART * (evidence.slow / evidence.answered);
}

/** A failure is no slowness: at the worst latency each, a few would hide what hundreds of answers say. */
function answeredLossMs({ lossSumMs, failures }: Evidence, targetMs: number): number {
  return lossSumMs - failures * worstMs(targetMs);
}

function expectedAnsweredLossMs(of: Evidence, targetMs: number): number {
  const pastRatio = of.pastAttempts > 0 ? of.pastFailures / of.pastAttempts : 0;
  return Math.max(0, of.expectedLossSumMs - of.attempts * pastRatio * worstMs(targetMs));
}
