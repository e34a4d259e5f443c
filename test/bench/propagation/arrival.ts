/**
 * From the answers that probes got to when a decision was in force. Pure.
 *
 * The Envoy drew the backend of a probe somewhere between its sending and its answer's arrival. So weights came into force
 * after the sending of the last probe that the old backend answered, and before the arrival of the next answer. What is
 * reported is the end of that span: true or too long, never too short. Its length is the resolution.
 */
import { quantile } from '../../../deploy/local/show/figures.ts';

export interface ProbeAnswer {
  readonly sentMs: number;
  readonly arrivedMs: number;
  /** Name of the backend that answered. */
  readonly backend: string;
}

export interface Arrival {
  /** From the decision to the first answer after which all are of the new backend, ms. */
  readonly inForceMs: number;
  /** It was not in force so long after the decision, ms. */
  readonly notYetMs: number;
  /** Answers of the old backend after one of the new: a decision that came and went. */
  readonly returns: number;
}

export interface DecisionRecord {
  /** From the decision to the controller's answer, by which it is written down, ms. */
  readonly answeredMs: number;
  /** One for each Envoy. */
  readonly arrivals: readonly Arrival[];
}

/**
 * @param answers of one Envoy in order, from before the decision until well after
 * @returns undefined when the last answer is not of the new backend
 */
export function arrivalOf(answers: readonly ProbeAnswer[], to: string, decidedMs: number): Arrival | undefined {
  const lastOld = answers.findLastIndex(({ backend }) => backend !== to);
  const firstOfAll = answers.findIndex(({ backend }) => backend === to);
  const first = answers[lastOld + 1];
  if (!first) return undefined;
  return {
    inForceMs: first.arrivedMs - decidedMs,
    notYetMs: Math.max(0, (answers[lastOld]?.sentMs ?? 0) - decidedMs),
    returns: answers.filter(({ backend }, i) => i > firstOfAll && backend !== to).length,
  };
}

export interface Quantiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Figures {
  readonly decisions: number;
  readonly envoys: number;
  /** Until in force in every Envoy. */
  readonly everywhere: Quantiles;
  /** Until in force in one Envoy, over all Envoys and decisions. */
  readonly perEnvoy: Quantiles;
  /** Until the controller answered. */
  readonly answered: Quantiles;
  /** Length of the span that an instant of coming into force is known to lie in, over all Envoys and decisions. */
  readonly resolution: Quantiles;
  /** Answers of the old backend after one of the new. */
  readonly returns: number;
}

/** @throws Error of no decisions */
export function figuresOf(records: readonly DecisionRecord[]): Figures {
  const arrivals = records.flatMap((record) => record.arrivals);
  return {
    decisions: records.length,
    envoys: records[0]?.arrivals.length ?? 0,
    everywhere: quantilesOf(records.map(({ arrivals: each }) => Math.max(...each.map(({ inForceMs }) => inForceMs)))),
    perEnvoy: quantilesOf(arrivals.map(({ inForceMs }) => inForceMs)),
    answered: quantilesOf(records.map(({ answeredMs }) => answeredMs)),
    resolution: quantilesOf(arrivals.map(({ inForceMs, notYetMs }) => inForceMs - notYetMs)),
    returns: arrivals.reduce((sum, { returns }) => sum + returns, 0),
  };
}

function quantilesOf(values: readonly number[]): Quantiles {
  const ascending = [...values].sort((a, b) => a - b);
  const at = (ratio: number) => {
    const value = quantile(ascending, ratio);
    if (value === undefined) throw new Error('no decision was measured');
    return Math.round(value * 100) / 100;
  };
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}
