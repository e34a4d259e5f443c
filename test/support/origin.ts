/**
 * Servers for real Envoys to route to. Each counts what it served, names itself in `x-served-by`, says which
 * `x-weir-backend` it was sent, and behaves as its test tells it to.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface Origin {
  readonly name: string;
  readonly port: number;
  /** Requests that reached it. */
  readonly served: () => number;
  /** Replaces its behaviour; the default answers 200 at once. */
  behave(answer: Answer): void;
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export async function startOrigin(name: string): Promise<Origin> {
  let served = 0;
  let answer: Answer = (_request, response) => response.end('ok');
  const server = createServer({ keepAlive: true }, (request, response) => {
    served += 1;
    response.setHeader('x-served-by', name);
    response.setHeader('x-saw-backend', request.headers['x-weir-backend'] ?? 'none');
    request.resume();
    answer(request, response, served);
  });
  server.keepAliveTimeout = 60_000;
  const port = await listen(server);
  return {
    name,
    port,
    served: () => served,
    behave: (next) => {
      answer = next;
    },
    close: () => close(server),
  };
}

/** A port of 127.0.0.1 at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await close(server);
  return port;
}

/** An h2c server that answers every call with a 200 whose trailers carry the grpc-status of its turn. */
export interface GrpcOrigin {
  readonly port: number;
  /** grpc-status of the answers from now on; `trailersOnly` sends it in the headers, as gRPC servers do for early errors. */
  answerWith(status: number, trailersOnly?: boolean): void;
  /** What becomes of calls from now on instead: reset by the backend, or kept waiting. */
  refuse(how: 'reset' | 'wait'): void;
  /** Calls that are kept waiting. */
  readonly waiting: () => number;
  close(): Promise<void>;
}

export async function startGrpcOrigin(name: string): Promise<GrpcOrigin> {
  let status = 0;
  let isTrailersOnly = false;
  let refusal: 'reset' | 'wait' | undefined;
  let waiting = 0;
  const sessions = new Set<http2.ServerHttp2Session>();
  const server = http2.createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => {
    const headers = { ':status': 200, 'content-type': 'application/grpc', 'x-served-by': name };
    stream.resume();
    stream.on('error', () => {});
    if (refusal === 'wait') waiting += 1;
    if (refusal === 'reset') stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
    if (refusal) return;
    if (isTrailersOnly) {
      stream.respond({ ...headers, 'grpc-status': String(status) }, { endStream: true });
      return;
    }
    stream.respond(headers, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status) }));
    stream.end(Buffer.from([0, 0, 0, 0, 0]));
  });
  const port = await listen(server);
  return {
    port,
    answerWith: (next, trailersOnly = false) => {
      status = next;
      isTrailersOnly = trailersOnly;
      refusal = undefined;
    },
    refuse: (how) => {
      refusal = how;
    },
    waiting: () => waiting,
    close: () => {
      for (const session of sessions) session.destroy();
      return close(server);
    },
  };
}

async function listen(server: Server | http2.Http2Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

function close(server: Server | http2.Http2Server): Promise<void> {
  if ('closeAllConnections' in server) server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
