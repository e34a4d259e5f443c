/**
 * What the agent knows of time. Every room takes a Clock as an argument, so that a test moves it by hand.
 * Monotonic time inside; the wall clock only where a figure leaves the process or must outlive it.
 */

export interface Clock {
  /** Monotonic, ms. Only differences mean something. */
  nowMs(): number;
  /** Wall clock, ms since 1970. */
  wallMs(): number;
  /** Runs a task once, later. Returns what takes it back. */
  after(delayMs: number, task: () => void): () => void;
}

/** setTimeout fires at once for anything longer than this (2^31 - 1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 0x7fffffff;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
