/** Timers that fire when the test says so: each one waiting is kept with when it is due. */
import { HandClock } from '../support/clock.ts';

export class HandTiming {
  private readonly clock = new HandClock();
  private readonly waiting: { readonly dueMs: number; readonly act: () => void }[] = [];
  private readonly watchers: (() => void)[] = [];

  readonly nowMs = this.clock.nowMs;

  readonly after = (ms: number, act: () => void): void => {
    this.waiting.push({ dueMs: this.nowMs() + ms, act });
    for (const watch of this.watchers.splice(0)) watch();
  };

  /** Ms until each timer that waits. */
  waitsMs(): number[] {
    return this.waiting.map(({ dueMs }) => dueMs - this.nowMs());
  }

  /** Resolves when that many timers wait. */
  async untilWaiting(count: number): Promise<void> {
    while (this.waiting.length < count) await new Promise<void>((resolve) => this.watchers.push(resolve));
  }

  advance(ms: number): void {
    this.clock.advance(ms);
    const due = this.waiting.filter(({ dueMs }) => dueMs <= this.nowMs());
    for (const timer of due) this.waiting.splice(this.waiting.indexOf(timer), 1);
    for (const { act } of due) act();
  }
}
