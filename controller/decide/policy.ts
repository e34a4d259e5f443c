/**
 * The contract of a policy: from what is known of one service and one caller group to the weights it wants.
 *
 * A policy is a pure function. It keeps no state, reads no clock, draws no chance; what it needs of the past is in the
 * view. It may ask for anything: guard rails, trials and relief come after it. test/contracts/policy runs one case suite
 * over every policy; a new one earns its place by passing it.
 */

/** Backend name to weight, integers out of 10,000 that sum to 10,000. */
export type Weights = Readonly<Record<string, number>>;

export interface BackendView {
  readonly name: string;
  /** Whether calls from this caller group stay in their zone. True where the zone of either is not known. */
  readonly isLocal: boolean;
  /** Weight in force for the stable arm, out of 10,000. */
  readonly weight: number;
  /** Bounds that the route sets, 0 to 1. */
  readonly minShare: number;
  readonly maxShare: number;
  /** Calls that stand behind the figures below, decayed. */
  readonly callCount: number;
  /** Decayed calls per second from this caller group. */
  readonly loadRps: number;
  /** Decayed calls per second from every caller group. */
  readonly totalLoadRps: number;
  /** Share of calls that failed (5xx, reset, timeout; retried attempts count as failed), 0 to 1. */
  readonly errorRatio: number;
  /** Latency of the calls that were answered, ms; 0 when there were none. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  /** Mean latency, ms, of a call to it that does not queue, from whichever group is nearest; 0 while it is not known. */
  readonly serviceMs: number;
  /** Mean wait in its queue, ms, over the calls of every group; 0 while it is not told from chance. */
  readonly queueMs: number;
  /** Requests in flight from this caller group, decayed mean. */
  readonly inFlight: number;
  /** Mean loss of a call, ms; failures counted as the worst latency (see loss.ts). */
  readonly lossMs: number;
}

export interface ServiceView {
  /** host:port */
  readonly service: string;
  /** Zone of the callers, or '*' */
  readonly group: string;
  /** Latency target in ms and what a crossing costs, from the route's objective. */
  readonly targetMs: number;
  readonly crossZoneCostMs: number;
  /** Decayed calls per second of the group over all backends, and the slower average it is compared with for a trend. */
  readonly loadRps: number;
  readonly slowLoadRps: number;
  /** Calls per second that the agents foresee for the group, nearest window first; empty when none do yet. */
  readonly forecastRps: readonly number[];
  readonly backends: readonly BackendView[];
}

export interface Proposal {
  readonly weights: Weights;
  /** One sentence a person can check against the view: why these weights. */
  readonly reason: string;
  /** Mean loss per call that the policy expects of these weights, ms; absent where it does not know. */
  readonly predictedLossMs?: number;
}

export interface Policy {
  readonly name: string;
  propose(view: ServiceView): Proposal;
}
