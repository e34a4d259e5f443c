/**
 * Calls something once per window, without drift: each call is planned from the start and not from the call before. When
 * the process was held up for longer than a window, the calls it missed are skipped, since each looks at the present.
 */
import type { Clock } from './clock.ts';

export class Ticker {
  private readonly windowMs: number;
  private readonly clock: Clock;
  private readonly run: () => void;
  private nextMs = 0;
  private cancel = () => {};

  constructor(windowMs: number, clock: Clock, run: () => void) {
    this.windowMs = windowMs;
    this.clock = clock;
    this.run = run;
  }

  start(): void {
    this.nextMs = this.clock.nowMs() + this.windowMs;
    this.plan();
  }

  close(): void {
    this.cancel();
  }

  private plan(): void {
    this.cancel = this.clock.after(Math.max(0, this.nextMs - this.clock.nowMs()), () => {
      this.nextMs = nextAfter(this.nextMs, this.windowMs, this.clock.nowMs());
      this.plan();
      this.run();
    });
  }
}

/** The first instant of the series that `plannedMs` belongs to which lies after both `plannedMs` and `nowMs`. */
export function nextAfter(plannedMs: number, windowMs: number, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs - plannedMs) / windowMs));
  return plannedMs + (missed + 1) * windowMs;
}
