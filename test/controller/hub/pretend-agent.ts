/** An agent's end of the wire for tests: a real WebSocket whose frames are awaited one by one. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { decodeFromController, encode } from '../../../controller/wire/codec.ts';
import type { FromAgent, FromController, Hello, Report } from '../../../controller/wire/messages.ts';

export class PretendAgent {
  readonly socket: WebSocket;
  private readonly frames: FromController[] = [];
  private readonly waiting: ((frame: FromController) => void)[] = [];
  private readonly gone: Promise<unknown>;

  /** @param url of the controller, http:// or ws:// */
  constructor(url: string, token?: string) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/agents`, { headers });
    this.socket.on('message', (data: Buffer) => {
      const frame = decodeFromController(data);
      const next = this.waiting.shift();
      if (next) next(frame);
      else this.frames.push(frame);
    });
    this.socket.on('error', () => {});
    this.gone = once(this.socket, 'close');
  }

  opened(): Promise<unknown> {
    return this.socket.readyState === WebSocket.OPEN ? Promise.resolve() : once(this.socket, 'open');
  }

  send(frame: FromAgent): void {
    this.socket.send(encode(frame));
  }

  /** The next frame, which must be of this type. */
  async next<Type extends FromController['type']>(type: Type): Promise<Extract<FromController, { type: Type }>> {
    const frame = this.frames.shift() ?? (await new Promise<FromController>((resolve) => this.waiting.push(resolve)));
    if (frame.type !== type) throw new Error(`a ${type} was expected, ${JSON.stringify(frame)} came`);
    return frame as Extract<FromController, { type: Type }>;
  }

  /** Frames that came and that nobody has asked for. */
  get unread(): number {
    return this.frames.length;
  }

  /** When the connection is gone: the code it was closed with. */
  async closed(): Promise<number> {
    const [code] = (await this.gone) as [number];
    return code;
  }

  /** A ping that came back: everything sent before it has been taken in. */
  async settled(): Promise<void> {
    const pong = once(this.socket, 'pong');
    this.socket.ping();
    await pong;
  }
}

export function helloOf(agentId: string, more: Partial<Hello> = {}): Hello {
  const nothing = { node: 'node-1', zone: 'zone-a', release: '0.1.0', tableEpoch: 0, tableNumber: 0 };
  return { type: 'hello', protocol: 1, agentId, ...nothing, ...more };
}

export function reportOf(sequence: number, more: Partial<Report> = {}): Report {
  const nothing = { edges: [], forecasts: [], proxies: [], lostReports: 0 };
  return { type: 'report', sequence, windowStartMs: 0, windowMs: 1_000, ...nothing, ...more };
}
