/**
 * The agent's end of the conversation in controller/wire/messages.ts: says hello, sends reports, takes tables, and comes back
 * when the line breaks. It never gives up; while it is away reports wait in the outbox.
 *
 * One connection at a time, each a `Line` of its own (line.ts); what outlives them is here: the outbox, the count of failures
 * and who may hear what. A controller of a lower epoch than the tables know is told goodbye at its welcome.
 */
import type { WebSocket } from 'ws';
import { encode } from '../../controller/wire/codec.ts';
import type { Hello, Refuse, Tables, Welcome } from '../../controller/wire/messages.ts';
import type { Clock } from '../clock.ts';
import type { Log, Notices } from '../log.ts';
import { backoffMs } from './backoff.ts';
import { Line } from './line.ts';
import type { Outbox, Waiting } from './outbox.ts';

/** Above it a peer reads slower than we write; more would only wait in the socket instead of the outbox, without bound. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** A refusal is seldom over in a moment: go on from this step of the backoff. */
const REFUSED_STEP = 4;

export interface UplinkOptions {
  readonly url: string;
  readonly connect: () => WebSocket;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly notices: Notices;
  readonly outbox: Outbox;
  readonly hello: () => Omit<Hello, 'type' | 'protocol'>;
  /** Whether a controller of this epoch is to be obeyed. */
  readonly admits: (epoch: number) => boolean;
  readonly onWelcome: (welcome: Welcome) => void;
  /** Takes tables over. @returns false when they are refused; true once they are kept and offered */
  readonly onTables: (tables: Tables) => Promise<boolean>;
  /** A controller that was welcomed gave a sign of life. */
  readonly onAlive: () => void;
  readonly count: { badFrames(): void; connects(): void; sentReports(): void };
}

export class Uplink {
  readonly #options: UplinkOptions;
  #line: Line | undefined;
  #isClosed = false;
  #failures = 0;
  #cancelRetry: () => void = () => {};
  #wasReached = false;

  constructor(options: UplinkOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isClosed) return;
    const options = this.#options;
    options.count.connects();
    const line: Line = new Line(options.connect(), {
      clock: options.clock,
      hello: options.hello,
      onWelcome: (welcome) => this.#welcomed(line, welcome),
      onRefuse: (refuse) => this.#refused(refuse),
      onTables: (tables) => void this.#tables(line, tables),
      onAlive: options.onAlive,
      onBadFrame: (message) => this.#badFrame(message),
      onClose: (why) => this.#lost(line, why),
    });
    this.#line = line;
  }

  /** Puts a report into the outbox and sends what the line takes. */
  send(waiting: Waiting): void {
    this.#options.outbox.put(waiting);
    this.#flush();
  }

  /** Whether a controller is there and welcomed this agent. */
  get isConnected(): boolean {
    return this.#line?.isWelcome ?? false;
  }

  /** Whether a controller ever was. */
  get wasReached(): boolean {
    return this.#wasReached;
  }

  /** Says goodbye. What waits in the outbox is lost with the process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    await this.#line?.close();
  }

  #flush(): void {
    const line = this.#line;
    const { outbox, count } = this.#options;
    while (line?.isReady && line.bufferedBytes < MAX_BUFFERED_BYTES) {
      const waiting = outbox.take();
      if (!waiting) return;
      line.send(encode(waiting.report), (isSent) => {
        if (!isSent) {
          outbox.putBack(waiting);
          return;
        }
        count.sentReports();
        if (outbox.length > 0) this.#flush();
      });
    }
  }

  #welcomed(line: Line, welcome: Welcome): void {
    const { epoch, windowMs } = welcome;
    const { log, notices, url } = this.#options;
    if (!this.#options.admits(epoch)) {
      const sentence = `the controller at ${url} is of epoch ${epoch}, one of a higher epoch was heard of less than a ttl ago; not obeyed, trying again`;
      notices.degraded('epoch_refused', { url, epoch }, sentence);
      this.#failures = Math.max(this.#failures, REFUSED_STEP);
      line.hangUp();
      return;
    }
    line.isWelcome = true;
    this.#failures = 0;
    this.#wasReached = true;
    const sentence = `connected to the controller at ${url}, epoch ${epoch}, reporting every ${windowMs} ms`;
    log.info({ event: 'controller_connected', url, epoch, windowMs }, sentence);
    for (const event of ['epoch_refused', 'controller_refused', 'controller_unreachable']) {
      notices.recovered(event, { url }, `the controller at ${url} has welcomed this agent`);
    }
    this.#options.onAlive();
    this.#options.onWelcome(welcome);
    this.#flush();
  }

  #refused({ code, message }: Refuse): void {
    const sentence = `the controller at ${this.#options.url} refused this agent: ${message}; trying again now and then`;
    this.#options.notices.degraded('controller_refused', { code, url: this.#options.url }, sentence);
    this.#failures = Math.max(this.#failures, REFUSED_STEP);
  }

  async #tables(line: Line, tables: Tables): Promise<void> {
    const { epoch, number } = tables;
    if (await this.#options.onTables(tables)) {
      line.send(encode({ type: 'ack', tableEpoch: epoch, tableNumber: number }), () => {});
      return;
    }
    const sentence = `tables ${epoch}.${number} are refused: newer ones, or a controller of a higher epoch, were heard of`;
    this.#options.notices.degraded('tables_refused', { epoch, number }, sentence);
  }

  #badFrame(message: string): void {
    this.#options.count.badFrames();
    const sentence = `the controller sent what cannot be read: ${message}; nothing of it counts`;
    this.#options.notices.degraded('bad_frame', { url: this.#options.url }, sentence);
  }

  #lost(line: Line, why: string): void {
    if (line !== this.#line || this.#isClosed) return;
    const { clock, notices, random, url } = this.#options;
    const sentence = line.isWelcome
      ? `the connection to the controller at ${url} is gone (${why}); weights stay until their ttl, trying to reach it`
      : `the controller at ${url} cannot be reached (${why}); going on with the tables there are, trying again`;
    notices.degraded('controller_unreachable', { url, why }, sentence);
    line.isWelcome = false;
    this.#failures += 1;
    this.#cancelRetry = clock.after(backoffMs(this.#failures, random), () => this.start());
  }
}
