/**
 * One candidate for a Lease, after leaderelection of Kubernetes' client-go: whoever holds it writes it anew every few seconds, and who
 * has seen nobody do that for its whole duration may take it. Seen by this process's own monotonic clock: what time other machines
 * believe it is does not matter, only that their seconds are about as long as ours.
 *
 *   read ▸ nobody's, or nobody has renewed it for long? ▸ claim it ▸ leads ▸ renew … ▸ release, or lost
 *
 * A leader that could not renew for RENEW_WITHIN_MS says so and has to end, before others may take the Lease.
 */
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Lease, SeenLease } from './lease.ts';

/** Others take a holder for dead when they have seen no sign of it for so long. */
export const DURATION_MS = 15_000;
/** A leader that could not renew for so long leads no more: less than DURATION_MS by more than a request takes. */
export const RENEW_WITHIN_MS = 10_000;
/** Between two looks, */
const LOOK_EVERY_MS = 2_000;
/** and up to this part more, so that candidates do not ask in step. */
const JITTER = 0.2;

export interface ElectorOptions {
  readonly lease: Pick<Lease, 'read' | 'claim'>;
  /** Of this process alone: two lives of one pod are two candidates. */
  readonly identity: string;
  /** For the log, for example `Lease weir-system/weir-controller`. */
  readonly what: string;
  readonly clock: Clock;
  /** 0 to 1 */
  readonly random: () => number;
  readonly log: Log;
  /** Says what an error of the API server means. */
  readonly explain: (error: unknown) => string;
  /** @param before who held it until it expired; '' where it was released or new */
  readonly onLeading: (before: string) => void;
  /** It leads no more, or is about to: whatever it does must end now. */
  readonly onLost: () => void;
}

export class Elector {
  private readonly options: ElectorOptions;
  private seen: SeenLease | undefined;
  private seenMs = 0;
  private renewedMs = 0;
  private isLeading = false;
  private isClosed = false;
  private isUnreachable = false;
  private cancelLook = () => {};
  private cancelDeadline = () => {};
  private look: Promise<void> = Promise.resolve();

  constructor(options: ElectorOptions) {
    this.options = options;
  }

  start(): void {
    this.look = this.run();
  }

  /** Who leads, as seen last; undefined: nobody, or not known yet. */
  get leader(): string | undefined {
    return this.isLeading ? this.options.identity : this.seen?.holder || undefined;
  }

  /** Stops, and gives the Lease up where it is ours, so that the next one leads at once. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.cancelLook();
    this.cancelDeadline();
    await this.look;
    if (!this.isLeading) return;
    this.isLeading = false;
    const { lease, what, log, clock, explain } = this.options;
    try {
      const seen = await lease.read();
      if (seen?.holder !== this.options.identity) return;
      await lease.claim({ holder: '', durationMs: 1_000, wallMs: clock.wallMs() }, seen);
      log.info({ event: 'lease_released' }, `${what} is released: another leads from now on`);
    } catch (error) {
      log.warn({ event: 'lease_not_released', err: error }, `${explain(error)}; others wait until ${what} expires`);
    }
  }

  private async run(): Promise<void> {
    try {
      await this.step();
      this.reached();
    } catch (error) {
      this.unreachable(error);
    }
    if (this.isClosed) return;
    const { clock, random } = this.options;
    const everyMs = LOOK_EVERY_MS * (1 + JITTER * random());
    const leftMs = this.leftMs();
    // A standby is there when the leader's time is up, and not up to two seconds later.
    const waitMs = !this.isLeading && leftMs > 0 ? Math.min(everyMs, leftMs) : everyMs;
    this.cancelLook = clock.after(waitMs, () => {
      this.look = this.run();
    });
  }

  private async step(): Promise<void> {
    const { lease, identity, clock } = this.options;
    const seen = await lease.read();
    this.note(seen);
    const before = seen?.holder ?? '';
    if (this.isClosed || (before !== identity && this.leftMs() > 0)) return;
    // Counted from before it was written: others count from when they see it.
    const startedMs = clock.nowMs();
    if (!(await lease.claim({ holder: identity, durationMs: DURATION_MS, wallMs: clock.wallMs() }, seen))) return;
    // What came too late is worth nothing: others may have it by now.
    if (clock.nowMs() - startedMs >= RENEW_WITHIN_MS) return;
    this.renewed(startedMs, before === identity ? '' : before);
  }

  private note(seen: SeenLease | undefined): void {
    const { identity, what, log, clock } = this.options;
    const before = this.seen;
    if (seen?.mark !== before?.mark) this.seenMs = clock.nowMs();
    this.seen = seen;
    if (!seen?.holder || seen.holder === identity) return;
    if (this.isLeading) this.lose(`${seen.holder} has taken it`);
    else if (seen.holder !== before?.holder)
      log.info({ event: 'standby', leader: seen.holder }, `stands by: ${seen.holder} leads by ${what}`);
  }

  /** Until its holder may be taken for dead; 0 or less where there is none. */
  private leftMs(): number {
    if (!this.seen?.holder) return 0;
    return this.seenMs + (this.seen.durationMs || DURATION_MS) - this.options.clock.nowMs();
  }

  private renewed(startedMs: number, before: string): void {
    const { clock, identity, what, log, onLeading } = this.options;
    if (this.isClosed && !this.isLeading) {
      // Told to stop while it was being claimed: close() gives it up.
      this.isLeading = true;
      return;
    }
    this.renewedMs = startedMs;
    this.cancelDeadline();
    if (!this.isClosed) {
      const leftMs = startedMs + RENEW_WITHIN_MS - clock.nowMs();
      this.cancelDeadline = clock.after(leftMs, () => this.lose('it could not be renewed'));
    }
    if (this.isLeading) return;
    this.isLeading = true;
    const after = before === '' ? '' : `, after ${before}`;
    log.info({ event: 'leading', identity, before }, `leads by ${what} as ${identity}${after}`);
    onLeading(before);
  }

  private lose(why: string): void {
    if (!this.isLeading) return;
    const { what, log, clock, onLost } = this.options;
    this.isLeading = false;
    this.isClosed = true;
    this.cancelLook();
    this.cancelDeadline();
    const agoMs = Math.round(clock.nowMs() - this.renewedMs);
    log.error(
      { event: 'lease_lost', agoMs },
      `${what} is lost: ${why}, and was last renewed ${agoMs} ms ago; this process ends, agents steer on by the tables they have`,
    );
    onLost();
  }

  private reached(): void {
    if (!this.isUnreachable) return;
    this.isUnreachable = false;
    this.options.log.info({ event: 'lease_back' }, `${this.options.what} can be read and written again`);
  }

  private unreachable(error: unknown): void {
    if (this.isUnreachable || this.isClosed) return;
    this.isUnreachable = true;
    const then = this.isLeading
      ? `it is tried again, for ${RENEW_WITHIN_MS / 1_000} s since it was renewed`
      : 'it is tried again';
    this.options.log.warn({ event: 'lease_unreachable', err: error }, `${this.options.explain(error)}; ${then}`);
  }
}
