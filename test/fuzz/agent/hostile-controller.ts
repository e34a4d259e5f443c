/**
 * A controller that an agent should not have met: garbage, deep and huge frames, tables of wrong epochs, replayed, mutated.
 * It knows of each frame whether it can be read, and never sends more than five that cannot on one connection.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { decodeFromAgent, decodeFromController, encode } from '../../../controller/wire/codec.ts';
import { MAX_FRAME_BYTES, type Tables } from '../../../controller/wire/messages.ts';
import { serviceOf, tablesOf } from '../../agent/sketch.ts';
import type { Chance } from '../chance.ts';
import { hostileFrame } from '../hostile-frames.ts';
import { settled } from '../settled.ts';

/** The agent hangs up at the fifth. */
const BAD_FRAMES = 5;
const NEAR = 1_000;
const FRAMES_PER_LINE = 500;
/** Frames after which it waits until they are taken in. */
const BATCH = 50;

export class HostileController {
  frames = 0;
  /** Frames sent that cannot be read. */
  badFrames = 0;
  acks = 0;
  connections = 0;
  private readonly server: WebSocketServer;
  private readonly chance: Chance;
  private readonly mostFrames: number;
  private epoch = 1;
  private number = 0;

  private constructor(server: WebSocketServer, chance: Chance, mostFrames: number) {
    this.server = server;
    this.chance = chance;
    this.mostFrames = mostFrames;
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('message', (data: Buffer) => this.hear(data));
      this.connections += 1;
      if (this.isDone) return;
      void this.play(socket).catch(() => socket.terminate());
    });
  }

  static async start(chance: Chance, mostFrames: number): Promise<HostileController> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    await once(server, 'listening');
    return new HostileController(server, chance, mostFrames);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/agents`;
  }

  get isDone(): boolean {
    return this.frames >= this.mostFrames;
  }

  async end(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Whatever it says must be right. */
  private hear(data: Buffer): void {
    if (decodeFromAgent(data).type === 'ack') this.acks += 1;
  }

  private async play(socket: WebSocket): Promise<void> {
    // Of what comes before a welcome every frame but a welcome and a refusal is one that cannot be read.
    if (this.connections % 4 === 0) {
      for (let i = 0; i < BAD_FRAMES; i++) this.sendBad(socket);
      return;
    }
    this.send(socket, encode({ type: 'welcome', protocol: 1, epoch: this.epoch, windowMs: 1_000 }));
    let bad = 0;
    for (let i = 0; i < FRAMES_PER_LINE && !this.isDone && socket.readyState === socket.OPEN; i++) {
      if (this.chance.is(0.006) && bad < BAD_FRAMES - 1) {
        this.sendBad(socket);
        bad += 1;
      } else this.send(socket, this.readable());
      if (i % BATCH === 0) await settled(socket);
    }
    if (this.isDone) return;
    if (this.chance.is(0.3)) this.sendTooLong(socket);
    else while (bad++ < BAD_FRAMES) this.sendBad(socket);
  }

  private sendTooLong(socket: WebSocket): void {
    this.badFrames += 1;
    this.send(socket, Buffer.alloc(MAX_FRAME_BYTES + 1));
  }

  private sendBad(socket: WebSocket): void {
    this.badFrames += 1;
    if (this.chance.is(0.1)) this.send(socket, '{"type":"tables"}');
    else
      this.send(
        socket,
        hostileFrame(this.chance, encode(this.tables()), (bytes) => !isReadable(bytes)),
      );
  }

  /** Tables that can be read: of this epoch or another, new or replayed, their bytes changed here and there. */
  private readable(): Uint8Array {
    const bytes = encode(this.tables());
    if (this.chance.is(0.5)) return this.noted(bytes);
    const mutated = this.chance.mutated(bytes, 1);
    return this.noted(this.isNear(mutated) ? mutated : bytes);
  }

  /** Whether it is tables, and not so far ahead that the agent would refuse all that comes after. */
  private isNear(bytes: Uint8Array): boolean {
    const frame = isReadable(bytes) ? decodeFromController(bytes) : undefined;
    return frame?.type === 'tables' && frame.epoch <= this.epoch + NEAR && frame.number <= this.number + NEAR;
  }

  /** An epoch that the agent has heard of is the least with which it may be welcomed. */
  private noted(bytes: Uint8Array): Uint8Array {
    const frame = decodeFromController(bytes);
    if (frame.type !== 'tables' || frame.epoch < this.epoch) return bytes;
    this.number = frame.epoch > this.epoch ? frame.number : Math.max(this.number, frame.number);
    this.epoch = frame.epoch;
    return bytes;
  }

  private tables(): Tables {
    const { chance } = this;
    if (chance.is(0.7)) this.number += 1;
    const number = Math.max(1, this.number - (chance.is(0.2) ? chance.below(this.number) : 0));
    const epoch = Math.max(1, this.epoch - (chance.is(0.2) ? 1 : 0));
    const services = Array.from({ length: chance.below(5) }, (_, i) => serviceOf(`s${i}`));
    return tablesOf(number, services, { epoch, ttlMs: chance.of([1, 1_000, 60_000]) });
  }

  private send(socket: WebSocket, frame: Uint8Array | string): void {
    this.frames += 1;
    socket.send(frame);
  }
}

function isReadable(bytes: Uint8Array): boolean {
  try {
    decodeFromController(bytes);
    return true;
  } catch {
    return false;
  }
}
