/** The slots of one endpoint and the queue before them. First come, first served; no clock. */

export type Admission = 'working' | 'queued' | 'full';

export class Slots {
  private busy = 0;
  private readonly waiting: (() => void)[] = [];
  private slotCount: number;
  private queueLength: number;

  constructor(slotCount: number, queueLength: number) {
    this.slotCount = slotCount;
    this.queueLength = queueLength;
  }

  /** Runs `begin` now or when a slot is free, or never when the queue is full. Each run must be ended by `release`. */
  enter(begin: () => void): Admission {
    if (this.busy < this.slotCount) {
      this.busy += 1;
      begin();
      return 'working';
    }
    if (this.waiting.length >= this.queueLength) return 'full';
    this.waiting.push(begin);
    return 'queued';
  }

  /** Takes a request whose caller went away out of the queue. False when it is not in it. */
  leave(begin: () => void): boolean {
    const index = this.waiting.indexOf(begin);
    if (index < 0) return false;
    this.waiting.splice(index, 1);
    return true;
  }

  release(): void {
    this.busy -= 1;
    this.fill();
  }

  /** Fewer slots take effect as requests end; whoever waits in a queue that is cut short stays in it. */
  resize(slotCount: number, queueLength: number): void {
    this.slotCount = slotCount;
    this.queueLength = queueLength;
    this.fill();
  }

  private fill(): void {
    while (this.busy < this.slotCount) {
      const begin = this.waiting.shift();
      if (!begin) return;
      this.busy += 1;
      begin();
    }
  }
}
