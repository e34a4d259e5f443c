/** What Weir did or would have done, as it is logged, stored, counted and served. Plain data: it survives JSON. */
import type { Weights } from './decide/policy.ts';

export type DecisionKind =
  | 'relief' // a failing backend loses its share at once
  | 'recovery' // a relieved backend wins a step back
  | 'recommendation' // mode recommend: what would have been tried
  | 'trial' // a proposal goes into its first or next stage
  | 'verdict' // a trial ended
  | 'manual' // a person froze, unfroze, pinned, unpinned or reverted
  | 'route'; // the route document came, changed or went

export type Verdict = 'kept' | 'reverted' | 'aborted';

export interface Decision {
  /** Ascending over the life of the store. */
  readonly id: number;
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  readonly kind: DecisionKind;
  readonly service: string;
  readonly group: string;
  /** Policy, `relief`, or the person or tool behind a manual step. */
  readonly by: string;
  readonly from: Weights;
  readonly to: Weights;
  /** One sentence: what was seen and why this follows. */
  readonly why: string;
  readonly trial?: { readonly id: number; readonly stage: number; readonly stages: number; readonly share: number };
  readonly predictedLossMs?: number;
  readonly measuredLossMs?: number;
  readonly verdict?: Verdict;
  /** The figures behind `why`, for whoever wants to check. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** A decision before the store has numbered it. */
export type NewDecision = Omit<Decision, 'id'>;
