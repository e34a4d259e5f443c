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
  /** Runs a task once, later, and never sooner by nowMs(). Returns what takes it back. */
  after(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, task) => {
    const dueMs = performance.now() + delayMs;
    // Node counts from when its turn began and in whole milliseconds, so it may be early by some.
    const look = () => {
      const leftMs = dueMs - performance.now();
      if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs));
      else task();
    };
    let timer = setTimeout(look, delayMs);
    return () => clearTimeout(timer);
  },
};
