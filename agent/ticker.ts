/**
 * Closes windows, without drift: each end is planned from the one before and not from when it was reached. What a stalled
 * process missed is skipped; the window that it closes late is told with its true length.
 */
import type { Clock } from './clock.ts';

export class Ticker {
  readonly #clock: Clock;
  readonly #onWindow: (startMs: number, endMs: number) => void;
  #windowMs: number;
  #startMs = 0;
  #plannedMs = 0;
  #cancel: () => void = () => {};

  /** @param onWindow called at the end of each window, with when it began and ended on the monotonic clock */
  constructor(clock: Clock, windowMs: number, onWindow: (startMs: number, endMs: number) => void) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#onWindow = onWindow;
  }

  start(): void {
    this.#startMs = this.#clock.nowMs();
    this.#plannedMs = this.#startMs + this.#windowMs;
    this.#plan();
  }

  /** Windows of another length from now on; the one that runs ends when its new length is over. */
  setWindow(windowMs: number): void {
    if (windowMs === this.#windowMs) return;
    this.#windowMs = windowMs;
    this.#plannedMs = this.#startMs + windowMs;
    this.#cancel();
    this.#plan();
  }

  /** When the window that runs began. */
  get startMs(): number {
    return this.#startMs;
  }

  close(): void {
    this.#cancel();
  }

  #plan(): void {
    this.#cancel = this.#clock.after(Math.max(0, this.#plannedMs - this.#clock.nowMs()), () => {
      const nowMs = this.#clock.nowMs();
      // Timers may fire a fraction of a ms early; a window of no length is nobody's.
      const endMs = Math.max(nowMs, this.#startMs + 1);
      const startMs = this.#startMs;
      this.#startMs = endMs;
      const missed = Math.max(0, Math.floor((nowMs - this.#plannedMs) / this.#windowMs));
      this.#plannedMs += (missed + 1) * this.#windowMs;
      this.#plan();
      this.#onWindow(startMs, endMs);
    });
  }
}
