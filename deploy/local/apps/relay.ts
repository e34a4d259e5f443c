/**
 * The wire between two zones: a TCP relay in front of one endpoint that holds every byte back, each way, for the latency of
 * that wire. Envoy connects to the relay, so it sees network latency as it would see it: before the first byte of the answer
 * and not inside the server's slot. The order of bytes is kept when the latency changes. The handshake itself is not delayed;
 * connections are kept, so it is paid once.
 */
import { connect, createServer, type Socket } from 'node:net';
import { listenOn } from './ports.ts';

/** Time as a relay needs it. */
export interface Timing {
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  /** Runs `act` after that many ms. */
  readonly after: (ms: number, act: () => void) => void;
}

export interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

/** @param oneWayMs asked for each chunk @param port 0: a free one */
export async function startRelay(targetPort: number, oneWayMs: () => number, timing: Timing, port = 0): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.once('close', () => sockets.delete(from));
      // One side broken: the other learns it as a reset, as it would from a real wire.
      from.on('error', () => to.resetAndDestroy());
      pass(from, to, oneWayMs, timing);
    }
  });
  const listening = await listenOn(server, port);
  return {
    port: listening,
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.resetAndDestroy();
      return closed;
    },
  };
}

function pass(from: Socket, to: Socket, oneWayMs: () => number, timing: Timing): void {
  let lastDueMs = 0;
  const waiting: (() => void)[] = [];
  const later = (act: () => void) => {
    const nowMs = timing.nowMs();
    lastDueMs = Math.max(lastDueMs, nowMs + oneWayMs());
    waiting.push(act);
    // Timers that are due together may fire in any order, bytes may not: whichever fires, the oldest goes first.
    timing.after(lastDueMs - nowMs, () => waiting.shift()?.());
  };
  from.on('data', (chunk) =>
    later(() => {
      if (to.writable) to.write(chunk);
    }),
  );
  from.on('end', () => later(() => to.end()));
}
