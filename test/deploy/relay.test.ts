/** The wire between zones: bytes wait for its latency, each way, in order; a refused far end is a reset. Hand-moved time. */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listenOn } from '../../deploy/local/apps/ports.ts';
import { startRelay } from '../../deploy/local/apps/relay.ts';
import { HandTiming } from './hand-timing.ts';

async function startEcho(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    // The relay resets what is open when it closes.
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  return { server, port: await listenOn(server, 0) };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('bytes are held back for the latency of the wire, there and back', async () => {
  const timing = new HandTiming();
  const echo = await startEcho();
  const relay = await startRelay(echo.port, () => 15, timing);
  const socket = await dial(relay.port);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.write('ping');
  await timing.untilWaiting(1);
  assert.equal(timing.waitsMs(), [15]);
  timing.advance(15);
  await timing.untilWaiting(1);
  assert.is(heard, '');
  const answered = once(socket, 'data');
  timing.advance(15);
  await answered;
  assert.is(heard, 'ping');
  socket.destroy();
  await relay.close();
  echo.server.close();
});

test('when the latency falls, what was sent later does not overtake', async () => {
  const timing = new HandTiming();
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => received.push(String(chunk)));
  });
  const port = await listenOn(server, 0);
  let oneWayMs = 50;
  const relay = await startRelay(port, () => oneWayMs, timing);
  const socket = await dial(relay.port);
  socket.write('first ');
  await timing.untilWaiting(1);
  oneWayMs = 1;
  socket.write('second');
  await timing.untilWaiting(2);
  assert.equal(timing.waitsMs(), [50, 50]);
  timing.advance(50);
  while (received.join('') !== 'first second') await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  await relay.close();
  server.close();
});

test('a far end that refuses resets the near one', async () => {
  const closed = createServer();
  const port = await listenOn(closed, 0);
  await new Promise((resolve) => closed.close(resolve));
  const relay = await startRelay(port, () => 0, new HandTiming());
  const socket = connect(relay.port, '127.0.0.1');
  const [error] = (await once(socket, 'error').catch((reason: unknown) => [reason])) as NodeJS.ErrnoException[];
  assert.is(error?.code, 'ECONNRESET');
  await relay.close();
});

test.run();
