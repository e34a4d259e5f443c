/**
 * What happened on one edge in one window, as plain sums. An attempt is a call or one of Envoy's own retries, each of
 * which followed a failed attempt; so failures over attempts is what the backend did, whatever the caller got to see.
 * 4xx is the client's fault, and a cancelled call counts with the time it had waited.
 */
import type { EdgeReport } from '../wire/messages.ts';

export interface Tally {
  calls: number;
  /** Calls and retries. */
  attempts: number;
  /** 5xx, resets, timeouts and retried attempts. */
  failures: number;
  /** Requests in flight times the ms that they were seen for: a level as a sum, so that it can be averaged. */
  inFlightMs: number;
  /** Flat: value in µs, count, value, count... in no order, values may repeat. Failed calls are not in it. */
  readonly latency: number[];
}

export function emptyTally(): Tally {
  return { calls: 0, attempts: 0, failures: 0, inFlightMs: 0, latency: [] };
}

export function addEdge(tally: Tally, edge: EdgeReport, windowMs: number): void {
  const [ok = 0, redirected = 0, refused = 0, failed = 0, reset = 0, cancelled = 0] = edge.outcomes;
  const calls = ok + redirected + refused + failed + reset + cancelled;
  tally.calls += calls;
  tally.attempts += calls + edge.retries;
  tally.failures += failed + reset + edge.retries;
  tally.inFlightMs += edge.inFlight * windowMs;
  for (const number of edge.latency) tally.latency.push(number);
}
