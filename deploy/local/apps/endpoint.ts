/**
 * One endpoint of a backend: an HTTP server with slots, a queue, service times and errors, which makes its calls through the
 * sidecar of its workload. How it behaves can be changed while it runs.
 *
 * A request first fails by errorRatio, at once and without a slot, as a broken version does; else it waits for a slot, works
 * for its service time, makes its calls, and answers. 503: errors and a full queue. 502: a call that it needs failed.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { chanceOf } from '../random.ts';
import type { Change } from '../scenario/schema.ts';
import type { Backend, Call } from '../scenario/service-schema.ts';
import { CALL_ID_HEADER, type Caller } from './caller.ts';
import { listenOn } from './ports.ts';
import { drawServiceMs } from './service-time.ts';
import { Slots } from './slots.ts';

/** A wide call tree makes a long path; undici takes headers of 16 KiB in all, Envoy of 60. */
const MAX_PATH_LENGTH = 4000;

export interface EndpointOptions {
  readonly service: string;
  readonly backend: Backend;
  readonly calls: readonly (readonly Call[])[];
  readonly holdsSlot: boolean;
  readonly seed: number;
  /** Makes the calls; undefined for a service that makes none. */
  readonly caller: Caller | undefined;
  /** Runs `then` after that many ms. */
  readonly after: (ms: number, then: () => void) => void;
}

export class Endpoint {
  private readonly options: EndpointOptions;
  private readonly slots: Slots;
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private port = 0;
  /** What of the backend holds now. */
  private now: Pick<Backend, 'errorRatio' | 'serviceTime' | 'concurrency' | 'queue'>;
  private serviceTimeMultiplier = 1;

  constructor(options: EndpointOptions) {
    this.options = options;
    this.slots = new Slots(options.backend.concurrency, options.backend.queue);
    this.now = options.backend;
  }

  /** Listens and resolves to its port, the same one after being down. */
  async open(): Promise<number> {
    const server = createServer((request, response) => this.serve(request, response));
    // Envoy keeps connections; a server that closes them by itself would make resets that no scenario asked for.
    server.keepAliveTimeout = 0;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.server = server;
    this.port = await listenOn(server, this.port);
    return this.port;
  }

  /** Refuses connections and resets those that are open. */
  async close(): Promise<void> {
    const server = this.server;
    if (!server) return;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  isUp(): boolean {
    return this.server !== undefined;
  }

  async change(change: Change): Promise<void> {
    const { errorRatio, serviceTime, concurrency, queue } = { ...this.now, ...change };
    this.now = { errorRatio, serviceTime, concurrency, queue };
    this.serviceTimeMultiplier = change.serviceTimeMultiplier ?? this.serviceTimeMultiplier;
    this.slots.resize(concurrency, queue);
    if (change.down === true) await this.close();
    if (change.down === false && !this.server) await this.open();
  }

  /** Back to what the scenario says. */
  async heal(): Promise<void> {
    const { errorRatio, serviceTime, concurrency, queue } = this.options.backend;
    await this.change({ errorRatio, serviceTime, concurrency, queue, serviceTimeMultiplier: 1, down: false });
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const { service, backend, seed, after } = this.options;
    const callId = String(request.headers[CALL_ID_HEADER] ?? '0');
    const attempt = String(request.headers['x-envoy-attempt-count'] ?? '1');
    // A retry draws anew, here and in all that it calls, or it would fail for the same reason again.
    const id = attempt === '1' ? callId : `${callId}r${attempt}`;
    const failChance = chanceOf(seed, `fails ${service} ${id}`)();
    const serviceMs = drawServiceMs(this.now.serviceTime, chanceOf(seed, `works ${service} ${id}`));
    request.resume();
    if (failChance < this.now.errorRatio) {
      this.answer(response, backend.errorStatus, '');
      return;
    }
    const begin = () => after(serviceMs * this.serviceTimeMultiplier, () => this.worked(response, id));
    const admission = this.slots.enter(begin);
    if (admission === 'full') this.answer(response, 503, '');
    if (admission === 'queued') response.once('close', () => this.slots.leave(begin));
  }

  private async worked(response: ServerResponse, id: string): Promise<void> {
    const { service, calls, caller, holdsSlot, seed } = this.options;
    if (!holdsSlot) this.slots.release();
    const outcome =
      caller && calls.length > 0
        ? await caller.makeCalls(calls, id, chanceOf(seed, `calls ${service} ${id}`))
        : { failed: false, path: '' };
    if (holdsSlot) this.slots.release();
    this.answer(response, outcome.failed ? 502 : 200, outcome.path);
  }

  private answer(response: ServerResponse, status: number, path: string): void {
    if (response.destroyed) return;
    const own = `${this.options.service}/${this.options.backend.name}`;
    const servedBy = path === '' ? own : `${own} ${path}`;
    response.writeHead(status, {
      'x-served-by': servedBy.length > MAX_PATH_LENGTH ? `${servedBy.slice(0, MAX_PATH_LENGTH)}...` : servedBy,
      'content-length': '0',
    });
    response.end();
  }
}
