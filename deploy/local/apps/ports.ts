/**
 * Ports on 127.0.0.1 that a server can close and come back to. They lie below the range from which the kernel takes ports for
 * outgoing connections (32768 up on Linux, 49152 up elsewhere): a port from there, once closed, can be in use by any of the
 * mesh's own connections when its server wants it back.
 */
import { createServer, type Server } from 'node:net';

const LOWEST_PORT = 20_000;
const PORT_COUNT = 12_000;
const MAX_TRIES = 200;

// Two meshes on one machine begin at different places, and one never asks for the same port twice.
let cursor = (process.pid * 97) % PORT_COUNT;

/**
 * Listens on 127.0.0.1 and resolves to the port.
 * @param port 0: a free one
 * @throws Error when it is taken, or none is free
 */
export async function listenOn(server: Server, port: number): Promise<number> {
  if (port !== 0) {
    await listen(server, port);
    return port;
  }
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    cursor = (cursor + 1) % PORT_COUNT;
    const candidate = LOWEST_PORT + cursor;
    try {
      await listen(server, candidate);
      return candidate;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error(`none of ${MAX_TRIES} ports from ${LOWEST_PORT} to ${LOWEST_PORT + PORT_COUNT - 1} is free`);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** Ports that were free a moment ago: what is restarted must come back on the port it had, so it cannot ask for any. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(servers.map((server) => listenOn(server, 0)));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
