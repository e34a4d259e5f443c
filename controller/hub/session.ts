/**
 * One agent's connection: hello, then reports up and tables down. At most one table set is on its way to an agent; while
 * its ack is outstanding only the newest set waits, so a slow agent costs one frame of memory and skips what is old.
 * Time is told, never read, so that a test can let an hour pass.
 */
import type { WebSocket } from 'ws';
import { BadFrame, decodeFromAgent, encode } from '../wire/codec.ts';
import { type FromAgent, type Hello, PROTOCOL_VERSION, type Report } from '../wire/messages.ts';
import { type EncodedTables, isNewer, type RefuseCode } from './push.ts';

/** Bad frames after which a connection is closed: one may be chance, five are a peer that speaks something else. */
export const MAX_BAD_FRAMES = 5;

export interface SessionEvents {
  /** A hello of the right protocol. @returns a refusal, or nothing: the agent is let in */
  onHello(session: Session, hello: Hello): { readonly code: RefuseCode; readonly message: string } | undefined;
  onReport(session: Session, report: Report): void;
  /** A report whose sequence was not above the last one: replayed, or overtaken. */
  onStaleReport(session: Session, report: Report): void;
  onBadFrame(session: Session, error: BadFrame): void;
  /** `delayMs`: from the push to the ack. */
  onAck(session: Session, delayMs: number): void;
  onClose(session: Session): void;
  nowMs(): number;
}

export class Session {
  readonly remote: string;
  readonly openedMs: number;
  hello: Hello | undefined;
  /** When the last frame or pong came. */
  heardMs: number;
  reports = 0;
  staleReports = 0;
  lostReports = 0;
  badFrames = 0;
  /** Tables that the agent acknowledged last. */
  acked = { epoch: 0, number: 0 };
  private lastSequence = -1;
  private inFlight: { readonly tables: EncodedTables; readonly sentMs: number } | undefined;
  private pending: EncodedTables | undefined;
  private readonly socket: WebSocket;
  private readonly events: SessionEvents;

  constructor(socket: WebSocket, remote: string, events: SessionEvents) {
    this.socket = socket;
    this.remote = remote;
    this.events = events;
    this.openedMs = events.nowMs();
    this.heardMs = this.openedMs;
    socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
    socket.on('pong', () => {
      this.heardMs = events.nowMs();
    });
    // What ws complains of (frame too long, protocol broken) ends the connection by itself; close tells the hub.
    socket.on('error', (error) => this.events.onBadFrame(this, new BadFrame(error.message, { cause: error })));
    socket.on('close', () => this.events.onClose(this));
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  welcome(epoch: number, windowMs: number): void {
    this.socket.send(encode({ type: 'welcome', protocol: PROTOCOL_VERSION, epoch, windowMs }));
  }

  /** Says why, then closes. */
  refuse(code: RefuseCode, message: string): void {
    if (this.isOpen) this.socket.send(encode({ type: 'refuse', code, message }));
    this.socket.close(1008, code);
  }

  /** Sends now, or keeps as the only one to send once the agent has acknowledged what is on its way. */
  push(tables: EncodedTables): void {
    if (!this.hello || !this.isOpen) return;
    if (this.inFlight) {
      this.pending = tables;
      return;
    }
    this.inFlight = { tables, sentMs: this.events.nowMs() };
    this.pending = undefined;
    this.socket.send(tables.bytes);
  }

  /** Gives up on an ack that is overdue: an agent that refused the set never sends one. */
  stopWaiting(ackLimitMs: number): void {
    if (!this.inFlight || this.events.nowMs() - this.inFlight.sentMs < ackLimitMs || this.socket.bufferedAmount > 0) {
      return;
    }
    this.inFlight = undefined;
    if (this.pending) this.push(this.pending);
  }

  ping(): void {
    if (this.isOpen) this.socket.ping();
  }

  /** @returns when the connection is gone, by the peer's answer or by `terminate` */
  close(code: number, reason: string): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.close(code, reason);
    });
  }

  terminate(): void {
    this.socket.terminate();
  }

  private receive(data: Buffer, isBinary: boolean): void {
    this.heardMs = this.events.nowMs();
    if (!this.isOpen) return;
    try {
      if (!isBinary) throw new BadFrame('a text frame came; every frame is binary MessagePack');
      this.take(decodeFromAgent(data));
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.badFrames += 1;
      this.events.onBadFrame(this, error);
      if (!this.hello) this.refuse('WEIR_HUB_BAD_HELLO', error.message);
      else if (this.badFrames >= MAX_BAD_FRAMES) {
        this.refuse(
          'WEIR_HUB_BAD_FRAMES',
          `${this.badFrames} frames could not be read, the last because ${error.message}`,
        );
      }
    }
  }

  private take(frame: FromAgent): void {
    if (frame.type === 'hello') this.greet(frame);
    else if (!this.hello) throw new BadFrame(`a ${frame.type} came before hello`);
    else if (frame.type === 'ack') this.acknowledge(frame.tableEpoch, frame.tableNumber);
    else if (frame.sequence <= this.lastSequence) {
      this.staleReports += 1;
      this.events.onStaleReport(this, frame);
    } else {
      this.lastSequence = frame.sequence;
      this.reports += 1;
      this.lostReports += frame.lostReports;
      this.events.onReport(this, frame);
    }
  }

  private greet(hello: Hello): void {
    if (this.hello) throw new BadFrame('a second hello came on one connection');
    if (hello.protocol !== PROTOCOL_VERSION) {
      const message = `agent ${hello.agentId} speaks protocol ${hello.protocol}, this controller ${PROTOCOL_VERSION}; run the same release on both`;
      this.refuse('WEIR_HUB_PROTOCOL', message);
      return;
    }
    const refusal = this.events.onHello(this, hello);
    if (refusal) this.refuse(refusal.code, refusal.message);
  }

  private acknowledge(epoch: number, number: number): void {
    this.acked = { epoch, number };
    const { inFlight } = this;
    if (!inFlight || isNewer(inFlight.tables, this.acked)) return;
    this.inFlight = undefined;
    this.events.onAck(this, this.events.nowMs() - inFlight.sentMs);
    if (this.pending) this.push(this.pending);
  }
}
