/** The contract of who may do what: `shared-token.ts` where both sides hold one secret, `review.ts` where an API server knows everybody. */

/** `agent`: to report and be handed tables. `change`: to overrule Weir. Reading is everybody's. */
export type Deed = 'agent' | 'change';

/** Why somebody may not. */
export interface Refusal {
  /** none: no token was shown. bad: it is not accepted. forbidden: it is, for less. unknown: it could not be found out now. */
  readonly reason: 'none' | 'bad' | 'forbidden' | 'unknown';
  /** A sentence that says how to be let in. */
  readonly message: string;
}

export interface Access {
  /**
   * @param authorization the header as it came, `Bearer …`
   * @returns nothing for who may
   */
  refusal(deed: Deed, authorization: string | undefined): Promise<Refusal | undefined>;
}

/** What follows `Bearer `; undefined: the header is not there or says something else. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
}
