/**
 * How long a call waits at a backend, from how busy it is: the analytic predictor. No training, three measured figures.
 *
 * A backend is taken for `slots` servers with one queue. Sakasegawa, "An approximation formula L_q ≃ αρ^β/(1−ρ)", Annals of
 * the Institute of Statistical Mathematics 1977, for exponential times:
 *
 *   wait / service = ρ^(√(2(slots + 1)) − 1) / (slots · (1 − ρ))         busy = load · service = ρ · slots
 *
 * The slots are not known, but load, service time and present wait are; that leaves one ρ, found by halving. A wait too
 * small to be told from nothing is taken as LEAST_WAIT of the service time, which says how much room is surely there
 * and no more: from a third of its slots busy, say, room for another two thirds.
 */

/** Part of the service time below which a wait is not told from chance. */
const LEAST_WAIT = 0.02;
/** Beyond this the queue grows for as long as the load lasts; the wait is continued along its tangent. */
const HIGHEST_RHO = 0.97;
const ROUNDS = 40;
/** A wait is cut off here, ms: half a month is for ever. */
const LONGEST_WAIT_MS = 1e9;

export interface Queue {
  /** Servers that would explain what is seen; need not be whole. */
  readonly slots: number;
  readonly serviceMs: number;
}

/** @param loadRps of all callers @param waitMs mean wait now */
export function queueFrom(loadRps: number, serviceMs: number, waitMs: number): Queue {
  const busy = (Math.max(0, loadRps) * serviceMs) / 1_000;
  if (busy <= 0 || serviceMs <= 0) return { slots: Number.POSITIVE_INFINITY, serviceMs };
  const seen = Math.max(LEAST_WAIT, waitMs / serviceMs);
  let low = 0;
  let high = 1;
  for (let round = 0; round < ROUNDS; round++) {
    const rho = (low + high) / 2;
    if (waitInServices(rho, busy / rho) < seen) low = rho;
    else high = rho;
  }
  return { slots: busy / Math.min(high, HIGHEST_RHO), serviceMs };
}

/** Mean wait of a call at another load, ms. */
export function waitAt({ slots, serviceMs }: Queue, loadRps: number): number {
  if (!Number.isFinite(slots)) return 0;
  const rho = (Math.max(0, loadRps) * serviceMs) / 1_000 / slots;
  if (rho <= HIGHEST_RHO) return Math.min(LONGEST_WAIT_MS, serviceMs * waitInServices(rho, slots));
  const step = 1e-4;
  const edge = waitInServices(HIGHEST_RHO, slots);
  const slope = (edge - waitInServices(HIGHEST_RHO - step, slots)) / step;
  const waitMs = serviceMs * (edge + slope * (rho - HIGHEST_RHO));
  return Number.isFinite(waitMs) ? Math.min(LONGEST_WAIT_MS, waitMs) : LONGEST_WAIT_MS;
}

function waitInServices(rho: number, slots: number): number {
  if (rho <= 0) return 0;
  return rho ** (Math.sqrt(2 * (slots + 1)) - 1) / (slots * (1 - rho));
}
