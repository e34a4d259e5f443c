/**
 * An agent that no controller should meet: no hello or two, replayed and mutated reports, text, garbage, deep and huge frames. It
 * knows what each frame counts as; the frame that ends a connection is its last, so that the sums can be compared.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { decodeFromAgent, encode } from '../../../controller/wire/codec.ts';
import { type FromAgent, MAX_FRAME_BYTES } from '../../../controller/wire/messages.ts';
import { edgeReportOf, reportOf } from '../../agent/sketch.ts';
import { helloOf } from '../../controller/hub/pretend-agent.ts';
import type { Chance } from '../chance.ts';
import { hostileFrame } from '../hostile-frames.ts';
import { settled } from '../settled.ts';

const BAD_FRAMES = 5;
const FRAMES_PER_CONNECTION = 600;
const BATCH = 50;

export class HostileAgent {
  readonly counts = { frames: 0, reports: 0, stale: 0, other: 0, bad: 0, connections: 0 };
  private readonly port: number;
  private readonly chance: Chance;
  private readonly agentId: string;
  private socket: WebSocket | undefined;
  private sequence = 0;
  private lastTaken = -1;

  constructor(port: number, chance: Chance, agentId: string) {
    this.port = port;
    this.chance = chance;
    this.agentId = agentId;
  }

  async play(isDone: () => boolean): Promise<void> {
    while (!isDone()) await this.connect(isDone);
  }

  end(): void {
    this.socket?.terminate();
  }

  private async connect(isDone: () => boolean): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/v1/agents`, { perMessageDeflate: false });
    this.socket = socket;
    socket.on('error', () => {});
    await Promise.race([once(socket, 'open'), once(socket, 'close')]);
    if (socket.readyState !== socket.OPEN) throw new Error('the controller takes no connection');
    this.counts.connections += 1;
    const closed = once(socket, 'close');
    this.lastTaken = -1;
    if (this.chance.is(0.2)) {
      // Whatever comes before a hello and is none ends the connection.
      this.sendBad(socket);
      await closed;
      return;
    }
    this.send(socket, encode(helloOf(this.agentId)), 'other');
    await this.talk(socket, isDone);
    socket.terminate();
    await closed;
  }

  private async talk(socket: WebSocket, isDone: () => boolean): Promise<void> {
    let bad = 0;
    for (let i = 0; i < FRAMES_PER_CONNECTION && !isDone(); i++) {
      if (socket.readyState !== socket.OPEN) throw new Error(`frame ${this.counts.frames}: the connection was ended`);
      if (this.chance.is(0.2)) {
        bad += 1;
        const isEnded = this.sendBad(socket) || bad >= BAD_FRAMES;
        if (isEnded) {
          await once(socket, 'close');
          return;
        }
      } else this.sendReadable(socket);
      if (i % BATCH === 0) await settled(socket);
    }
    await settled(socket);
  }

  /** @returns whether this one frame ends the connection */
  private sendBad(socket: WebSocket): boolean {
    if (this.chance.is(0.02)) {
      this.send(socket, Buffer.alloc(MAX_FRAME_BYTES + 1), 'bad');
      return true;
    }
    if (this.chance.is(0.1)) this.send(socket, '{"type":"hello"}', 'bad');
    else
      this.send(
        socket,
        hostileFrame(this.chance, encode(this.frame()), (bytes) => readable(bytes) === undefined),
        'bad',
      );
    return false;
  }

  private sendReadable(socket: WebSocket): void {
    const bytes = encode(this.frame());
    const mutated = this.chance.is(0.5) ? this.chance.mutated(bytes, 1) : bytes;
    const frame = readable(mutated);
    // A second hello is a bad frame, and one by chance is not worth the bookkeeping.
    if (!frame || frame.type === 'hello') this.count(socket, bytes, readable(bytes));
    else this.count(socket, mutated, frame);
  }

  private count(socket: WebSocket, bytes: Uint8Array, frame: FromAgent | undefined): void {
    if (frame?.type !== 'report') {
      this.send(socket, bytes, 'other');
      return;
    }
    const isNew = frame.sequence > this.lastTaken;
    if (isNew) this.lastTaken = frame.sequence;
    // A sequence at the end of numbers would make all after it stale.
    if (frame.sequence > this.sequence) this.sequence = Math.min(frame.sequence, 2 ** 40);
    this.send(socket, bytes, isNew ? 'reports' : 'stale');
  }

  private frame(): FromAgent {
    const { chance } = this;
    if (chance.is(0.15)) return { type: 'ack', tableEpoch: chance.u32(), tableNumber: chance.u32() };
    if (chance.is(0.8)) this.sequence += 1;
    const edges = Array.from({ length: chance.below(6) }, () =>
      edgeReportOf({
        cluster: chance.of(['search-v1', 'search-v2', `other-${chance.below(500)}`]),
        arm: chance.of(['stable', 'trial']),
        trialId: chance.below(3),
        outcomes: [chance.u32(), 0, 0, chance.below(3), 0, 0],
        latencySumUs: chance.u32(),
        latency: [chance.below(1_000), chance.below(9), 1_000 + chance.below(100_000), chance.u32()],
      }),
    );
    return reportOf(this.sequence, { edges, windowStartMs: Date.now(), windowMs: 1 + chance.below(2_000) });
  }

  private send(socket: WebSocket, frame: Uint8Array | string, kind: 'reports' | 'stale' | 'other' | 'bad'): void {
    this.counts.frames += 1;
    this.counts[kind] += 1;
    socket.send(frame);
  }
}

function readable(bytes: Uint8Array): FromAgent | undefined {
  try {
    return decodeFromAgent(bytes);
  } catch {
    return undefined;
  }
}
