/** The hub with real WebSockets on loopback and a clock moved by hand. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { sharedToken } from '../../../controller/access/shared-token.ts';
import { HELLO_LIMIT_MS, Hub, type HubOptions } from '../../../controller/hub/hub.ts';
import { MAX_BAD_FRAMES } from '../../../controller/hub/session.ts';
import { MAX_FRAME_BYTES, type Tables } from '../../../controller/wire/messages.ts';
import { HandClock } from '../../support/clock.ts';
import { helloOf, PretendAgent, reportOf } from './pretend-agent.ts';

interface Context {
  server: Server;
  url: string;
  clock: HandClock;
  hub: Hub;
  /** What the metrics were told, in order. */
  counted: string[];
  sequences: number[];
  agents: PretendAgent[];
}

const test = suite<Context>('hub');
const tables = (number: number, epoch = 5): Tables => ({ type: 'tables', epoch, number, ttlMs: 60_000, services: [] });

async function open(context: Context, more: Partial<HubOptions> = {}): Promise<void> {
  const { clock, counted, sequences } = context;
  const hub = new Hub({
    maxAgents: 10,
    windowMs: 1_000,
    nowMs: clock.nowMs,
    log: { info: () => {}, warn: () => {} },
    metrics: {
      agentCount: (connected) => counted.push(`agents ${connected}`),
      report: () => counted.push('report'),
      staleReport: () => counted.push('stale'),
      lostReports: (count) => counted.push(`lost ${count}`),
      badFrame: () => counted.push('bad'),
      refused: (code) => counted.push(code),
      acked: (delayMs) => counted.push(`acked ${delayMs}`),
    },
    epochAbove: () => 5,
    onReport: (report) => sequences.push(report.sequence),
    ...more,
  });
  context.hub = hub;
  context.server = createServer();
  context.server.on('upgrade', (request, socket, head) => hub.handleUpgrade(request, socket, head));
  context.server.listen(0, '127.0.0.1');
  await once(context.server, 'listening');
  context.url = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`;
}

async function connect(context: Context, token?: string): Promise<PretendAgent> {
  const agent = new PretendAgent(context.url, token);
  context.agents.push(agent);
  await agent.opened();
  return agent;
}

async function join(context: Context, agentId: string): Promise<PretendAgent> {
  const agent = await connect(context);
  agent.send(helloOf(agentId));
  await agent.next('welcome');
  return agent;
}

test.before.each((context) => {
  Object.assign(context, { clock: new HandClock(), counted: [], sequences: [], agents: [] });
});
test.after.each(async (context) => {
  for (const agent of context.agents) agent.socket.terminate();
  await context.hub.close();
  context.server.close();
});

test('an agent is welcomed with epoch and window, then gets the tables there are', async (context) => {
  await open(context);
  context.hub.push(tables(3));
  const agent = await connect(context);
  agent.send(helloOf('node-1'));
  assert.equal(await agent.next('welcome'), { type: 'welcome', protocol: 1, epoch: 5, windowMs: 1_000 });
  assert.equal(await agent.next('tables'), tables(3));
  const [view] = context.hub.agents();
  assert.is(view?.agentId, 'node-1');
  assert.is(view?.zone, 'zone-a');
});

test('another protocol is refused by name', async (context) => {
  await open(context);
  const agent = await connect(context);
  agent.send(helloOf('node-1', { protocol: 2 }));
  const refusal = await agent.next('refuse');
  assert.is(refusal.code, 'WEIR_HUB_PROTOCOL');
  assert.match(refusal.message, 'agent node-1 speaks protocol 2, this controller 1');
  assert.is(await agent.closed(), 1008);
});

test('who says no hello in time is refused, who did is not', async (context) => {
  await open(context);
  const silent = await connect(context);
  const known = await join(context, 'node-1');
  context.clock.advance(HELLO_LIMIT_MS - 1);
  context.hub.sweep();
  await silent.settled();
  assert.is(silent.unread, 0);
  context.clock.advance(1);
  context.hub.sweep();
  assert.is((await silent.next('refuse')).code, 'WEIR_HUB_NO_HELLO');
  await known.settled();
  assert.is(known.unread, 0);
});

test('a wrong token is refused with a sentence, the right one is let in', async (context) => {
  await open(context, { access: sharedToken('a-token-of-some-length') });
  for (const [token, code] of [
    [undefined, 'WEIR_HUB_NO_TOKEN'],
    ['wrong', 'WEIR_HUB_BAD_TOKEN'],
  ] as const) {
    const stranger = await connect(context, token);
    assert.is((await stranger.next('refuse')).code, code);
  }
  const agent = await connect(context, 'a-token-of-some-length');
  agent.send(helloOf('node-1'));
  await agent.next('welcome');
});

test('one agent too many is refused', async (context) => {
  await open(context, { maxAgents: 1 });
  await join(context, 'node-1');
  const second = await connect(context);
  assert.is((await second.next('refuse')).code, 'WEIR_HUB_TOO_MANY_AGENTS');
});

test('reports are taken in order; replayed and overtaken ones are dropped and counted', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  for (const sequence of [1, 2, 2, 1, 5, 4, 6]) agent.send(reportOf(sequence));
  agent.send(reportOf(7, { lostReports: 3 }));
  await agent.settled();
  assert.equal(context.sequences, [1, 2, 5, 6, 7]);
  assert.is(context.counted.filter((each) => each === 'stale').length, 3);
  assert.ok(context.counted.includes('lost 3'));
  assert.is(context.hub.agents()[0]?.staleReports, 3);
});

test('a new connection of an agent replaces the old one and may count from the start', async (context) => {
  await open(context);
  const old = await join(context, 'node-1');
  old.send(reportOf(9));
  await old.settled();
  const fresh = await join(context, 'node-1');
  assert.is((await old.next('refuse')).code, 'WEIR_HUB_REPLACED');
  await old.closed();
  fresh.send(reportOf(0));
  await fresh.settled();
  assert.equal(context.sequences, [9, 0]);
  assert.is(context.hub.agents().length, 1);
});

test('while an ack is outstanding only the newest tables wait', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  for (const number of [1, 2, 3, 4]) context.hub.push(tables(number));
  assert.is((await agent.next('tables')).number, 1);
  await agent.settled();
  assert.is(agent.unread, 0, 'nothing more comes before the ack');
  context.clock.advance(12);
  agent.send({ type: 'ack', tableEpoch: 5, tableNumber: 1 });
  assert.is((await agent.next('tables')).number, 4);
  assert.ok(context.counted.includes('acked 12'));
  agent.send({ type: 'ack', tableEpoch: 5, tableNumber: 4 });
  await agent.settled();
  assert.is(context.hub.agents()[0]?.tableNumber, 4);
});

test('the same tables are not sent twice', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  context.hub.push(tables(1));
  await agent.next('tables');
  agent.send({ type: 'ack', tableEpoch: 5, tableNumber: 1 });
  context.hub.push(tables(1));
  await agent.settled();
  assert.is(agent.unread, 0);
});

test('an ack that never comes does not hold the newest tables back for good', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  context.hub.push(tables(1));
  await agent.next('tables');
  context.hub.push(tables(2));
  context.clock.advance(10_000);
  await agent.settled();
  context.hub.sweep();
  assert.is((await agent.next('tables')).number, 2);
});

test('a silent peer is asked for a sign of life, then dropped', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  const asked = once(agent.socket, 'ping');
  context.clock.advance(5_000);
  context.hub.sweep();
  await asked;
  context.clock.advance(15_000);
  context.hub.sweep();
  assert.is(await agent.closed(), 1006);
});

test('bad frames are counted, and the connection ends after some', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  for (let count = 1; count < MAX_BAD_FRAMES; count++) agent.socket.send(Buffer.from([0xc1]));
  agent.send(reportOf(1));
  await agent.settled();
  assert.equal(context.sequences, [1], 'what is right goes on being taken');
  agent.socket.send('text');
  const refusal = await agent.next('refuse');
  assert.is(refusal.code, 'WEIR_HUB_BAD_FRAMES');
  assert.match(refusal.message, 'a text frame came');
  assert.is(context.counted.filter((each) => each === 'bad').length, MAX_BAD_FRAMES);
});

test('a frame before hello, or one that is none, ends the conversation at once', async (context) => {
  await open(context);
  const early = await connect(context);
  early.send(reportOf(1));
  assert.match((await early.next('refuse')).message, 'a report came before hello');
  const broken = await connect(context);
  broken.socket.send(Buffer.from('no MessagePack of ours'));
  assert.is((await broken.next('refuse')).code, 'WEIR_HUB_BAD_HELLO');
  assert.equal(context.sequences, []);
});

test('a frame that is too long ends the connection, and only that one', async (context) => {
  await open(context);
  const agent = await join(context, 'node-1');
  const other = await join(context, 'node-2');
  agent.socket.send(Buffer.alloc(MAX_FRAME_BYTES + 1));
  assert.is(await agent.closed(), 1009);
  other.send(reportOf(1));
  await other.settled();
  assert.equal(context.sequences, [1]);
});

test('an agent that knows the highest epoch there is cannot be led and is told so', async (context) => {
  await open(context);
  const agent = await connect(context);
  agent.send(helloOf('node-1', { tableEpoch: 0xffffffff }));
  assert.is((await agent.next('refuse')).code, 'WEIR_HUB_EPOCH');
});

test('a web page may not play an agent', async (context) => {
  await open(context);
  const socket = new WebSocket(`${context.url.replace('http', 'ws')}/v1/agents`, { origin: 'https://example.org' });
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, '403');
});

test('another path is not for agents', async (context) => {
  await open(context);
  const socket = new WebSocket(`${context.url.replace('http', 'ws')}/v1/other`);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, '404');
  assert.equal(context.hub.agents(), []);
});

test.run();
