/**
 * How long to wait before the next try: doubling, with jitter, so that a fleet that lost one controller does not come back
 * as one (Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015).
 */
const FIRST_MS = 250;
/** A controller that is back has its whole fleet again within this. */
export const LONGEST_BACKOFF_MS = 10_000;
/** No two tries follow at once, whatever chance says. */
const LEAST_PART = 0.1;

/**
 * @param failures tries that failed in a row, 1 or more
 * @param random 0 to 1
 * @returns ms
 */
export function backoffMs(failures: number, random: () => number): number {
  const stepMs = Math.min(LONGEST_BACKOFF_MS, FIRST_MS * 2 ** Math.min(Math.max(failures, 1) - 1, 16));
  return Math.round(stepMs * (LEAST_PART + (1 - LEAST_PART) * random()));
}
