/**
 * What the controller knows of time. Everything that measures a distance uses the monotonic clock, which no operator and no
 * leap second can turn back; the wall clock appears in logs, decisions and freeze windows only. Passed in, so that a test
 * moves it by hand.
 */

export interface Clock {
  /** Monotonic, ms since some start. */
  nowMs(): number;
  /** Wall clock, ms since 1970. */
  wallMs(): number;
  /** Runs a task once, later. Returns what takes it back. */
  after(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
