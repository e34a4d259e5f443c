/**
 * Reports that wait for the controller, oldest first, in ascending sequence. Bounded by number and by bytes; when it is full
 * the oldest go, since a decision wants the newest, and how many went is told with the next report that goes out.
 */
import type { Report } from '../../controller/wire/messages.ts';

/** What waits never takes more memory than about this, whatever the number of reports allows. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface Waiting {
  readonly report: Report;
  /** Upper bound of its size on the wire. */
  readonly bytes: number;
}

export class Outbox {
  readonly #maxReports: number;
  readonly #maxBytes: number;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #lostReports = 0;
  /** Lost ever, for metrics. */
  lostTotal = 0;

  /** @param maxReports kept while the controller is away, at least 1 */
  constructor(maxReports: number, maxBytes = MAX_BYTES) {
    this.#maxReports = maxReports;
    this.#maxBytes = maxBytes;
  }

  put(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.bytes;
    this.#trim();
  }

  /** Takes back what was taken and never left, to its place by sequence. */
  putBack(waiting: Waiting): void {
    const at = this.#waiting.findIndex(({ report }) => report.sequence > waiting.report.sequence);
    this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, waiting);
    this.#bytes += waiting.bytes;
    this.#trim();
  }

  /** The oldest; it says how many were lost before it. */
  take(): Waiting | undefined {
    const oldest = this.#waiting.shift();
    if (!oldest) return undefined;
    this.#bytes -= oldest.bytes;
    const lostReports = oldest.report.lostReports + this.#lostReports;
    this.#lostReports = 0;
    return { ...oldest, report: { ...oldest.report, lostReports } };
  }

  get length(): number {
    return this.#waiting.length;
  }

  #trim(): void {
    while (this.#waiting.length > 1 && (this.#waiting.length > this.#maxReports || this.#bytes > this.#maxBytes)) {
      const oldest = this.#waiting.shift();
      if (!oldest) return;
      this.#bytes -= oldest.bytes;
      // What it would have told of losses before it must not be lost with it.
      this.#lostReports += oldest.report.lostReports + 1;
      this.lostTotal += 1;
    }
  }
}
