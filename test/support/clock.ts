/** A clock that moves when the test says so. Times in ms; `wallMs` starts at 2026-01-01T00:00:00Z. */
export class HandClock {
  private elapsedMs = 0;
  private timers: { dueMs: number; run: () => void }[] = [];

  readonly nowMs = (): number => this.elapsedMs;
  readonly wallMs = (): number => 1_767_225_600_000 + this.elapsedMs;

  readonly after = (delayMs: number, run: () => void): (() => void) => {
    const timer = { dueMs: this.elapsedMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  /** Moves on, running what falls due on the way at its own instant. */
  advance(ms: number): void {
    const untilMs = this.elapsedMs + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.elapsedMs = Math.max(this.elapsedMs, due.dueMs);
      due.run();
    }
    this.elapsedMs = untilMs;
  }
}
