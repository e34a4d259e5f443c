/**
 * The door for filters, on this node only: samples come in, tables go out by held request (agent/wire/layout.ts has the rules).
 * Beside it what Kubernetes and Prometheus ask. Whatever comes in wrong gets a sentence, is counted and costs nothing else.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BadFrame, BadRequest } from '../errors.ts';
import { MAX_NAME_BYTES, MAX_SAMPLES_BYTES } from '../wire/layout.ts';
import { decodeSamples, type Samples } from '../wire/samples.ts';
import { readBody } from './body.ts';
import type { Answer, HeldRequests } from './held.ts';

/** Who a filter says it is; each may be empty. */
export interface Sender {
  readonly nodeId: string;
  readonly workload: string;
  readonly namespace: string;
  readonly zone: string;
  /** 16 hex digits, or '' when it did not say. */
  readonly vmId: string;
}

export interface IntakeOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly maxConnections: number;
  /** How long a request may take to arrive; 5 s when not said. */
  readonly requestLimitMs?: number;
  readonly onSamples: (sender: Sender, samples: Samples) => void;
  /** Holds a table request. Returns how to take it back. */
  readonly onTableRequest: (
    sender: Sender,
    haveViewId: string,
    answer: Parameters<HeldRequests['ask']>[1],
  ) => () => void;
  /** A request that was not taken, with the status it got. */
  readonly onRefused: (status: number, message: string) => void;
  /** A connection was ended with a 408 that had never sent a byte. */
  readonly onUnused: () => void;
  /** Something in here failed; it is ours, not the sender's. */
  readonly onFault: (error: unknown) => void;
  /** Nothing when ready, else why not. */
  readonly whyNotReady: () => string | undefined;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

const ID = /^[0-9a-f]{16}$/;
const DOORS = 'POST /v1/samples, GET /v1/table, GET /healthz, GET /readyz and GET /metrics';
/** A request arrives from the same node; whoever needs longer is not a filter. */
const REQUEST_LIMIT_MS = 5_000;
const MAX_HEADER_BYTES = 8_192;
/** Envoy keeps connections open between samples, and idle ones for longer than any interval; a forgotten one ends. */
const KEEP_ALIVE_MS = 75_000;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #server: Server;
  readonly #requestLimitMs: number;
  /** Connections that were refused within a request, whose handler then fails too: it counts once. */
  readonly #refusedUnread = new WeakSet<Duplex>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#requestLimitMs = options.requestLimitMs ?? REQUEST_LIMIT_MS;
    this.#server = createServer(
      {
        requestTimeout: this.#requestLimitMs,
        headersTimeout: this.#requestLimitMs,
        connectionsCheckingInterval: this.#requestLimitMs / 5,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
        noDelay: true,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('drop', () => options.onRefused(503, `more than ${options.maxConnections} connections`));
    this.#server.on('clientError', (error, socket) => this.#refuseUnread(error, socket));
  }

  /** @returns the port. @throws what the operating system says of it */
  async start(): Promise<number> {
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    // What was answered a moment ago still leaves; then whoever stays is cut off.
    setImmediate(() => this.#server.closeAllConnections());
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      if (error instanceof BadRequest) this.#refuse(response, error.status, error.message);
      else if (error instanceof BadFrame) this.#refuse(response, 400, error.message);
      else {
        this.#options.onFault(error);
        this.#refuse(response, 500, 'the agent failed at this request; its log has more');
      }
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const door = `${request.method} ${path}`;
    if (door === 'POST /v1/samples') {
      const samples = decodeSamples(await readBody(request, MAX_SAMPLES_BYTES));
      this.#options.onSamples(senderOf(request), samples);
      response.writeHead(204).end();
    } else if (door === 'GET /v1/table') this.#hold(request, response, query);
    else if (door === 'GET /healthz') say(response, 200, 'ok');
    else if (door === 'GET /readyz') {
      const why = this.#options.whyNotReady();
      say(response, why === undefined ? 200 : 503, why ?? 'ok');
    } else if (door === 'GET /metrics') {
      const { contentType, text } = await this.#options.metrics();
      response.writeHead(200, { 'content-type': contentType }).end(text);
    } else throw new BadRequest(404, `there is no ${door.slice(0, 80)}; known are ${DOORS}`);
  }

  #hold(request: IncomingMessage, response: ServerResponse, query: string): void {
    const have = new URLSearchParams(query).get('have') ?? '';
    if (!ID.test(have)) {
      throw new BadRequest(
        400,
        `have must be 16 hex digits, the view in force, not ${JSON.stringify(have.slice(0, 40))}`,
      );
    }
    const takeBack = this.#options.onTableRequest(senderOf(request), have, (answer) => answerTable(response, answer));
    response.once('close', takeBack);
  }

  #refuse(response: ServerResponse, status: number, sentence: string): void {
    if (!this.#refusedUnread.has(response.req.socket)) this.#options.onRefused(status, sentence);
    // What is left of a refused body is not read; the connection goes with it.
    if (status !== 404) response.shouldKeepAlive = false;
    say(response, status, sentence);
  }

  /** What Node's parser or its timers would not take never becomes a request. */
  #refuseUnread(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, name, sentence] =
      error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', `the request was not whole within ${this.#requestLimitMs} ms`]
        : error.code === 'HPE_HEADER_OVERFLOW'
          ? [431, 'Request Header Fields Too Large', `headers have ${MAX_HEADER_BYTES} bytes at most`]
          : [400, 'Bad Request', `this is not HTTP/1.1: ${error.message}`];
    this.#refusedUnread.add(socket);
    // A connection that Envoy keeps to spare and never used is nobody's mistake.
    if (status === 408 && (socket as Socket).bytesRead === 0) this.#options.onUnused();
    else this.#options.onRefused(status, sentence);
    const body = `${sentence}\n`;
    const head = `HTTP/1.1 ${status} ${name}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n`;
    socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => (socket as Socket).destroy());
  }
}

function answerTable(response: ServerResponse, answer: Answer): void {
  if (!('message' in answer)) {
    say(response, 503, answer.sentence);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  const { message } = answer;
  response
    .writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': message.length })
    .end(message);
}

function senderOf(request: IncomingMessage): Sender {
  const header = (name: string) => {
    const value = request.headers[name];
    return (typeof value === 'string' ? value : '').slice(0, MAX_NAME_BYTES);
  };
  const vmId = header('x-weir-vm');
  return {
    nodeId: header('x-weir-node-id'),
    workload: header('x-weir-workload'),
    namespace: header('x-weir-namespace'),
    zone: header('x-weir-zone'),
    vmId: ID.test(vmId) ? vmId : '',
  };
}

function say(response: ServerResponse, status: number, sentence: string): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(`${sentence}\n`);
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': body.length };
  response.writeHead(status, headers).end(body);
}
