/** A controller's end of the wire for tests: a real WebSocket server whose connections and frames are awaited one by one. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { decodeFromAgent, encode } from '../../controller/wire/codec.ts';
import type { FromAgent, FromController } from '../../controller/wire/messages.ts';

export class PretendController {
  private readonly server: WebSocketServer;
  private readonly lines = new Queue<PretendLine>();
  /** What the last agent showed. */
  authorization: string | undefined;

  readonly port: number;

  private constructor(server: WebSocketServer) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket, request) => {
      this.authorization = request.headers.authorization;
      this.lines.put(new PretendLine(socket));
    });
  }

  /** @param port 0: any */
  static async start(port = 0): Promise<PretendController> {
    const server = new WebSocketServer({ port, host: '127.0.0.1' });
    await once(server, 'listening');
    return new PretendController(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/v1/agents`;
  }

  /** The next connection. */
  line(): Promise<PretendLine> {
    return this.lines.take();
  }

  /** The next connection, its hello read and answered. */
  async welcome(epoch = 5, windowMs = 1_000): Promise<PretendLine> {
    const line = await this.line();
    await line.next('hello');
    line.send({ type: 'welcome', protocol: 1, epoch, windowMs });
    return line;
  }

  async close(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export class PretendLine {
  readonly socket: WebSocket;
  private readonly frames = new Queue<FromAgent>();
  private readonly gone: Promise<unknown>;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.frames.put(decodeFromAgent(data)));
    socket.on('error', () => {});
    this.gone = once(socket, 'close');
  }

  send(frame: FromController): void {
    this.socket.send(encode(frame));
  }

  /** The next frame, which must be of this type. */
  async next<Type extends FromAgent['type']>(type: Type): Promise<Extract<FromAgent, { type: Type }>> {
    const frame = await this.frames.take();
    if (frame.type !== type) throw new Error(`a ${type} was expected, ${JSON.stringify(frame)} came`);
    return frame as Extract<FromAgent, { type: Type }>;
  }

  /** The next frame of this type; others before it are passed over. */
  async seek<Type extends FromAgent['type']>(type: Type): Promise<Extract<FromAgent, { type: Type }>> {
    for (;;) {
      const frame = await this.frames.take();
      if (frame.type === type) return frame as Extract<FromAgent, { type: Type }>;
    }
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

class Queue<Item> {
  private readonly items: Item[] = [];
  private readonly waiting: ((item: Item) => void)[] = [];

  put(item: Item): void {
    const next = this.waiting.shift();
    if (next) next(item);
    else this.items.push(item);
  }

  take(): Promise<Item> {
    const item = this.items.shift();
    return item === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(item);
  }

  get length(): number {
    return this.items.length;
  }
}
