/** The intake over real HTTP on loopback: what it takes, what it refuses and how, and that nothing stops it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answer } from '../../../agent/intake/held.ts';
import { Intake, type IntakeOptions, type Sender } from '../../../agent/intake/server.ts';
import { MAX_SAMPLES_BYTES } from '../../../agent/wire/layout.ts';
import { encodeSamples, type Samples } from '../../../agent/wire/samples.ts';
import { seeded } from '../../support/random.ts';
import { edgeOf, NO_VIEW_ID, samplesOf } from '../sketch.ts';

interface Asked {
  readonly sender: Sender;
  readonly haveViewId: string;
  readonly answer: (answer: Answer) => void;
  isTakenBack: boolean;
  readonly takenBack: Promise<void>;
}

interface Context {
  intake: Intake;
  url: string;
  port: number;
  taken: [Sender, Samples][];
  asked: Asked[];
  nextAsked: () => Promise<Asked>;
  refused: [status: number, message: string][];
  unused: number;
  faults: unknown[];
  sockets: Socket[];
}

const test = suite<Context>('intake');
const identity = {
  'x-weir-node-id': 'sidecar~1',
  'x-weir-workload': 'web',
  'x-weir-namespace': 'shop',
  'x-weir-zone': 'zone-a',
  'x-weir-vm': '00000000000000a1',
};
const sender = { nodeId: 'sidecar~1', workload: 'web', namespace: 'shop', zone: 'zone-a', vmId: '00000000000000a1' };

async function open(context: Context, more: Partial<IntakeOptions> = {}): Promise<void> {
  const { taken, asked, refused, faults } = context;
  let tell: (asked: Asked) => void = () => {};
  context.nextAsked = () => new Promise((resolve) => (tell = resolve));
  context.intake = new Intake({
    host: '127.0.0.1',
    port: 0,
    maxConnections: 100,
    onSamples: (...pair) => taken.push(pair),
    onTableRequest: (from, haveViewId, answer) => {
      let settle = () => {};
      const takenBack = new Promise<void>((resolve) => (settle = resolve));
      const one: Asked = { sender: from, haveViewId, answer, isTakenBack: false, takenBack };
      asked.push(one);
      tell(one);
      return () => {
        one.isTakenBack = true;
        settle();
      };
    },
    onRefused: (...pair) => refused.push(pair),
    onUnused: () => {
      context.unused += 1;
    },
    onFault: (error) => faults.push(error),
    whyNotReady: () => undefined,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'weir_agent_up 1\n' }),
    ...more,
  });
  context.port = await context.intake.start();
  context.url = `http://127.0.0.1:${context.port}`;
}

const post = ({ url }: Context, body: Uint8Array, headers: Record<string, string> = identity) =>
  fetch(`${url}/v1/samples`, { method: 'POST', body: new Uint8Array(body), headers });

/** Says bytes to the port and returns all that comes back until the connection ends. */
async function raw(context: Context, text: string): Promise<string> {
  const socket = connect(context.port, '127.0.0.1');
  context.sockets.push(socket);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.write(text);
  await closed;
  return answer;
}

async function isAlive(context: Context): Promise<void> {
  assert.is((await fetch(`${context.url}/healthz`)).status, 200);
}

test.before.each((context) => {
  Object.assign(context, { taken: [], asked: [], refused: [], unused: 0, faults: [], sockets: [] });
});
test.after.each(async (context) => {
  for (const socket of context.sockets) socket.destroy();
  await context.intake.close();
});

test('samples are taken with who sent them', async (context) => {
  await open(context);
  const samples = samplesOf([edgeOf({ buckets: [4, 2] })]);
  assert.is((await post(context, encodeSamples(samples))).status, 204);
  assert.equal(context.taken, [[sender, samples]]);
});

test('who does not say who it is is taken too', async (context) => {
  await open(context);
  assert.is((await post(context, encodeSamples(samplesOf([])), { 'x-weir-vm': 'no id' })).status, 204);
  assert.equal(context.taken[0]?.[0], { nodeId: '', workload: '', namespace: '', zone: '', vmId: '' });
});

test('malformed samples get a 400 with a sentence, and the next are taken', async (context) => {
  await open(context);
  const answer = await post(context, Buffer.from('what is this'));
  assert.is(answer.status, 400);
  assert.is(await answer.text(), 'a samples message has 64 bytes at least, this one has 12\n');
  assert.equal(context.refused, [[400, 'a samples message has 64 bytes at least, this one has 12']]);
  assert.is((await post(context, encodeSamples(samplesOf([])))).status, 204);
});

test('a body over the limit is refused by its length before it is read', async (context) => {
  await open(context);
  const head = `POST /v1/samples HTTP/1.1\r\nhost: agent\r\ncontent-length: ${MAX_SAMPLES_BYTES + 1}\r\n\r\n`;
  const answer = await raw(context, head);
  assert.match(answer, 'HTTP/1.1 413');
  assert.match(answer, 'a body has 1048576 bytes at most');
});

test('a body over the limit that did not say its length is cut off when it is too long', async (context) => {
  await open(context);
  const chunk = `40000\r\n${'x'.repeat(0x40000)}\r\n`;
  await raw(
    context,
    `POST /v1/samples HTTP/1.1\r\nhost: agent\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}`,
  );
  assert.is(context.refused[0]?.[0], 413);
  assert.equal(context.taken, []);
  await isAlive(context);
});

test('a table request is held with who asks and what it has, and gets the answer', async (context) => {
  await open(context);
  const coming = context.nextAsked();
  const answered = fetch(`${context.url}/v1/table?have=${'ab'.repeat(8)}`, { headers: identity });
  const asked = await coming;
  assert.equal(asked.sender, sender);
  assert.is(asked.haveViewId, 'ab'.repeat(8));
  asked.answer({ kind: 'new', message: Buffer.from('table') });
  const answer = await answered;
  assert.is(answer.status, 200);
  assert.is(answer.headers.get('content-type'), 'application/octet-stream');
  assert.is(await answer.text(), 'table');
});

test('an answer without a message is a 503 with its sentence', async (context) => {
  await open(context);
  const coming = context.nextAsked();
  const answered = fetch(`${context.url}/v1/table?have=${NO_VIEW_ID}`);
  (await coming).answer({ kind: 'none', sentence: 'no table yet' });
  const answer = await answered;
  assert.is(answer.status, 503);
  assert.is(await answer.text(), 'no table yet\n');
});

test('a client that goes away takes its request back, and a late answer harms nobody', async (context) => {
  await open(context);
  const coming = context.nextAsked();
  const socket = connect(context.port, '127.0.0.1');
  context.sockets.push(socket);
  socket.write(`GET /v1/table?have=${NO_VIEW_ID} HTTP/1.1\r\nhost: agent\r\n\r\n`);
  const asked = await coming;
  socket.destroy();
  await asked.takenBack;
  assert.is(asked.isTakenBack, true);
  asked.answer({ kind: 'new', message: Buffer.from('late') });
  await isAlive(context);
});

for (const have of ['', 'zz', 'AB'.repeat(8), '0'.repeat(17), '%00']) {
  test(`a table request that has ${JSON.stringify(have)} is refused with a sentence`, async (context) => {
    await open(context);
    const answer = await fetch(`${context.url}/v1/table?have=${have}`);
    assert.is(answer.status, 400);
    assert.match(await answer.text(), 'have must be 16 hex digits');
    assert.equal(context.asked, []);
  });
}

test('an unknown path or method is a 404 that names what there is', async (context) => {
  await open(context);
  for (const [method, path] of [
    ['GET', '/'],
    ['GET', '/v1/samples'],
    ['POST', '/v1/table'],
    ['DELETE', '/healthz'],
  ] as const) {
    const answer = await fetch(`${context.url}${path}`, { method });
    assert.is(answer.status, 404);
    assert.match(await answer.text(), `there is no ${method} ${path}; known are POST /v1/samples`);
  }
});

test('health, readiness and metrics answer', async (context) => {
  let why: string | undefined = 'the controller was not reached yet';
  await open(context, { whyNotReady: () => why });
  assert.is(await (await fetch(`${context.url}/healthz`)).text(), 'ok\n');
  const notReady = await fetch(`${context.url}/readyz`);
  assert.is(notReady.status, 503);
  assert.is(await notReady.text(), 'the controller was not reached yet\n');
  why = undefined;
  assert.is((await fetch(`${context.url}/readyz`)).status, 200);
  const metrics = await fetch(`${context.url}/metrics`);
  assert.is(metrics.headers.get('content-type'), 'text/plain; version=0.0.4');
  assert.is(await metrics.text(), 'weir_agent_up 1\n');
});

test('an error of ours is a 500 and a fault, never the end', async (context) => {
  await open(context, {
    onSamples: () => {
      throw new Error('ours');
    },
  });
  assert.is((await post(context, encodeSamples(samplesOf([])))).status, 500);
  assert.is((context.faults[0] as Error).message, 'ours');
  await isAlive(context);
});

test('a sender that never finishes is cut off with a 408', async (context) => {
  await open(context, { requestLimitMs: 100 });
  assert.match(
    await raw(context, 'POST /v1/samples HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc'),
    'HTTP/1.1 408',
  );
  assert.match(await raw(context, 'GET /healthz HTTP/1.1\r\nhost: '), 'HTTP/1.1 408');
  assert.match(context.refused[0]?.[1] ?? '', 'within 100 ms');
  await isAlive(context);
  // The body that ended with the connection is no second refusal.
  assert.equal(
    context.refused.map(([status]) => status),
    [408, 408],
  );
});

test('a connection that never sends a byte is ended, and nobody is blamed', async (context) => {
  await open(context, { requestLimitMs: 100 });
  assert.match(await raw(context, ''), 'HTTP/1.1 408');
  assert.equal([context.refused, context.unused], [[], 1]);
  await isAlive(context);
});

test('a request held for longer than a sender may take is not cut off', async (context) => {
  await open(context, { requestLimitMs: 50 });
  const coming = context.nextAsked();
  const answered = fetch(`${context.url}/v1/table?have=${NO_VIEW_ID}`);
  const asked = await coming;
  // Two senders that are cut off, one after the other, are more than two limits of time.
  await raw(context, 'GET /healthz HTTP/1.1\r\nhost: ');
  await raw(context, 'GET /healthz HTTP/1.1\r\nhost: ');
  assert.is(asked.isTakenBack, false);
  asked.answer({ kind: 'unchanged', message: Buffer.from('same') });
  assert.is((await answered).status, 200);
});

test('headers without end are a 431, what is not HTTP a 400, both with a sentence', async (context) => {
  await open(context);
  assert.match(
    await raw(context, `GET /healthz HTTP/1.1\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`),
    'headers have 8192 bytes at most',
  );
  assert.match(await raw(context, 'hello there\r\n\r\n'), 'this is not HTTP/1.1');
  assert.equal(
    context.refused.map(([status]) => status),
    [431, 400],
  );
  await isAlive(context);
});

test('bytes by chance, whole and cut off, cost a connection at most', async (context) => {
  await open(context, { requestLimitMs: 100 });
  const random = seeded(5);
  const whole = `POST /v1/samples HTTP/1.1\r\nhost: agent\r\ncontent-length: 80\r\n\r\n${'z'.repeat(80)}`;
  const tries = Array.from({ length: 60 }, () => {
    const bytes = [...whole].map((letter) => (random() < 0.05 ? String.fromCharCode(random() * 256) : letter));
    return bytes.slice(0, Math.floor(random() * bytes.length)).join('');
  });
  // A try that is whole leaves its connection open for the next request; it is told to go.
  await Promise.all(tries.map((text) => raw(context, `${text}\r\n\r\n\0`)));
  await isAlive(context);
});

test('a connection too many is dropped and counted, those there stay', async (context) => {
  await open(context, { maxConnections: 1 });
  const first = connect(context.port, '127.0.0.1');
  context.sockets.push(first);
  await once(first, 'connect');
  first.write('GET /healthz HTTP/1.1\r\nhost: agent\r\n\r\n');
  await once(first, 'data');
  assert.is(await raw(context, 'GET /healthz HTTP/1.1\r\nhost: agent\r\n\r\n'), '');
  assert.equal(context.refused, [[503, 'more than 1 connections']]);
  first.write('GET /healthz HTTP/1.1\r\nhost: agent\r\n\r\n');
  assert.match(String((await once(first, 'data'))[0]), '200 OK');
});

test('a taken port is an error that says so', async (context) => {
  await open(context);
  const first = context.intake;
  const code = await open(context, { port: context.port }).then(
    () => 'started',
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.is(code, 'EADDRINUSE');
  await first.close();
});

test.run();
