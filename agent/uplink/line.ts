/**
 * One connection to a controller, from its opening to its end: decodes frames, keeps their order (welcome first), asks for
 * signs of life and hangs up on a peer that gives none or speaks something else.
 */
import type { WebSocket } from 'ws';
import { BadFrame, decodeFromController, encode } from '../../controller/wire/codec.ts';
import {
  type FromController,
  type Hello,
  PROTOCOL_VERSION,
  type Refuse,
  type Tables,
  type Welcome,
} from '../../controller/wire/messages.ts';
import type { Clock } from '../clock.ts';

/** A silent line is asked for a sign of life this often. */
export const PING_MS = 5_000;
/** It is dead after so many turns without one. Turns and not ms, so that our own stall is not taken for the peer's death. */
export const DEAD_TURNS = 3;
/** Bad frames after which the line is hung up: one may be chance, five are a peer that speaks something else. */
export const MAX_BAD_FRAMES = 5;
/** How long a peer may take to answer a goodbye. */
const GOODBYE_MS = 1_000;

export interface LineEvents {
  readonly clock: Clock;
  readonly hello: () => Omit<Hello, 'type' | 'protocol'>;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onRefuse: (refuse: Refuse) => void;
  readonly onTables: (tables: Tables) => void;
  /** The peer, welcomed, gave a sign of life. */
  readonly onAlive: () => void;
  readonly onBadFrame: (message: string) => void;
  readonly onClose: (why: string) => void;
}

export class Line {
  /** Set by whoever admitted the welcome; frames and signs of life count from then on. */
  isWelcome = false;
  readonly #socket: WebSocket;
  readonly #events: LineEvents;
  #hasHeard = false;
  #silentTurns = 0;
  #badFrames = 0;
  #why = 'no reason given';
  #cancelTurn: () => void = () => {};

  constructor(socket: WebSocket, events: LineEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('open', () => {
      socket.send(encode({ type: 'hello', protocol: PROTOCOL_VERSION, ...events.hello() }));
    });
    socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', () => this.#alive());
    socket.on('pong', () => this.#alive());
    socket.on('error', (error) => {
      const { code = '' } = error as NodeJS.ErrnoException;
      this.#why = error.message || code;
      // A frame that is too long, or none: ws ends the connection by itself.
      if (code.startsWith('WS_ERR_')) events.onBadFrame(error.message);
    });
    socket.on('close', (code, reason) => {
      this.#cancelTurn();
      const said = reason.length > 0 ? `, ${reason.toString('utf8')}` : '';
      events.onClose(this.#why === 'no reason given' ? `closed with code ${code}${said}` : this.#why);
    });
    this.#scheduleTurn();
  }

  /** @param done whether it left this process; it is called once, later */
  send(bytes: Uint8Array, done: (isSent: boolean) => void): void {
    this.#socket.send(bytes, (error) => done(!error));
  }

  /** Whether reports may be sent. */
  get isReady(): boolean {
    return this.isWelcome && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Bytes that wait to leave this process. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  hangUp(): void {
    this.#socket.close();
  }

  /** Says goodbye, and ends the line when no answer comes. */
  async close(): Promise<void> {
    this.#cancelTurn();
    const { CLOSED, CONNECTING } = this.#socket;
    if (this.#socket.readyState === CLOSED) return;
    const gone = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    if (this.#socket.readyState === CONNECTING) this.#socket.terminate();
    else this.#socket.close(1001, 'the agent stops');
    const cancel = this.#events.clock.after(GOODBYE_MS, () => this.#socket.terminate());
    await gone;
    cancel();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    try {
      if (!isBinary) throw new BadFrame('a text frame came; every frame is binary MessagePack');
      this.#take(decodeFromController(data));
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#badFrames += 1;
      this.#events.onBadFrame(error.message);
      if (this.#badFrames < MAX_BAD_FRAMES) return;
      this.#why = `${this.#badFrames} frames could not be read`;
      this.#socket.close(1008, 'WEIR_AGENT_BAD_FRAMES');
    }
  }

  #take(frame: FromController): void {
    if (frame.type === 'refuse') {
      this.#why = frame.code;
      this.#events.onRefuse(frame);
      this.#socket.close();
    } else if (frame.type === 'welcome') this.#greeted(frame);
    else if (!this.isWelcome) {
      // After a welcome that was not obeyed tables may be on their way already; they are not obeyed either.
      if (!this.#hasHeard) throw new BadFrame('tables came before welcome');
    } else {
      this.#alive();
      this.#events.onTables(frame);
    }
  }

  #greeted(welcome: Welcome): void {
    if (this.#hasHeard) throw new BadFrame('a second welcome came on one connection');
    if (welcome.protocol !== PROTOCOL_VERSION) {
      const message = `it speaks protocol ${welcome.protocol}, this agent ${PROTOCOL_VERSION}; run the same release on both`;
      this.#events.onRefuse({ type: 'refuse', code: 'WEIR_AGENT_PROTOCOL', message });
      this.#why = 'another protocol';
      this.#socket.close();
      return;
    }
    this.#hasHeard = true;
    this.#silentTurns = 0;
    this.#events.onWelcome(welcome);
  }

  #alive(): void {
    if (!this.isWelcome) return;
    this.#silentTurns = 0;
    this.#events.onAlive();
  }

  #scheduleTurn(): void {
    this.#cancelTurn = this.#events.clock.after(PING_MS, () => {
      this.#silentTurns += 1;
      if (this.#silentTurns > DEAD_TURNS) {
        this.#why = this.isWelcome ? 'it gave no sign of life' : 'it gave no welcome';
        this.#socket.terminate();
        return;
      }
      if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
      this.#scheduleTurn();
    });
  }
}
