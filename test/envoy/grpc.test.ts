/** gRPC through a real Envoy over h2c: the status that ends a call counts, not the 200 that carries it. */
import * as http2 from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import { before } from '../support/before.ts';
import { useHttp2 } from '../support/bootstrap-edits.ts';
import { Lab } from '../support/lab.ts';
import { closedPort, startGrpcOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const classes = ['2xx', '3xx', '4xx', '5xx', 'reset', 'cancelled'];
const statuses: readonly [code: number, name: string, wanted: string][] = [
  [0, 'OK', '2xx'],
  [1, 'CANCELLED', 'cancelled'],
  [2, 'UNKNOWN', '5xx'],
  [4, 'DEADLINE_EXCEEDED', 'reset'],
  [5, 'NOT_FOUND', '4xx'],
  [8, 'RESOURCE_EXHAUSTED', '5xx'],
  [13, 'INTERNAL', '5xx'],
  [14, 'UNAVAILABLE', '5xx'],
  [16, 'UNAUTHENTICATED', '4xx'],
];

const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startGrpcOrigin('a');
const b = await startGrpcOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
const gone = routed('gone', { a: a.port, b: await closedPort() });
const proxy = await lab.proxy({ services: [shop, gone], agentPort: agent.port, change: useHttp2 });
const session = http2.connect(`http://127.0.0.1:${proxy.port}`);
let expected = 0;

before(test, async () => {
  agent.deliver([shop, gone].map((service) => tableOf(service, { a: 0, b: 10_000 })));
  await until('both VMs to have the table', () => agent.upToDate() === 2);
});

test.after(async () => {
  session.destroy();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

/** One unary call; HTTP status and grpc-status as the client sees them. */
async function call(host = 'shop', leaving?: AbortSignal) {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/shop.Cart/Add',
    ':authority': host,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  leaving?.addEventListener('abort', () => stream.close(http2.constants.NGHTTP2_CANCEL));
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  let headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
  let trailers: http2.IncomingHttpHeaders = {};
  stream.once('response', (received) => {
    headers = received;
  });
  stream.once('trailers', (received) => {
    trailers = received;
  });
  stream.resume();
  await new Promise((resolve, reject) => stream.once('error', reject).once('close', resolve));
  return {
    status: headers[':status'] ?? 0,
    grpcStatus: String(trailers['grpc-status'] ?? headers['grpc-status'] ?? ''),
    servedBy: String(headers['x-served-by']),
  };
}

/** By how much each outcome class of an edge rises with one call. */
async function outcomesOf(service: typeof shop, make: () => Promise<unknown>): Promise<number[]> {
  const edge = () => agent.tally.edge(clusterOf(service, 'b')).outcomes;
  const before = edge();
  await make();
  expected += 1;
  await until('the call in samples', () => agent.tally.calls() >= expected);
  return edge().map((count, i) => count - (before[i] ?? 0));
}

const one = (name: string) => classes.map((other) => (other === name ? 1 : 0));

for (const isTrailersOnly of [false, true]) {
  const where = isTrailersOnly ? 'in headers alone' : 'in trailers';
  for (const [code, name, wanted] of statuses) {
    test(`${name} ${where} counts as ${wanted}`, async () => {
      b.answerWith(code, isTrailersOnly);
      const outcomes = await outcomesOf(shop, async () => {
        assert.equal(await call(), { status: 200, grpcStatus: String(code), servedBy: 'b' });
      });
      assert.equal(outcomes, one(wanted));
    });
  }
}

test('a backend at which nobody listens counts as reset, though the client is told 200 and UNAVAILABLE', async () => {
  const outcomes = await outcomesOf(gone, async () => {
    assert.equal(await call('gone'), { status: 200, grpcStatus: '14', servedBy: 'undefined' });
  });
  assert.equal(outcomes, one('reset'));
});

test('a call that the backend resets counts as reset', async () => {
  b.refuse('reset');
  assert.equal(await outcomesOf(shop, () => call()), one('reset'));
});

test('a call that the client cancels counts as cancelled', async () => {
  b.refuse('wait');
  const leaving = new AbortController();
  const outcomes = await outcomesOf(shop, async () => {
    const cancelled = call('shop', leaving.signal);
    await until('the call to be at its backend', () => b.waiting() === 1);
    leaving.abort();
    await cancelled;
  });
  assert.equal(outcomes, one('cancelled'));
});

test('every gRPC call was steered, and none is left in flight', async () => {
  assert.is(agent.tally.count('steeredCalls'), expected);
  const from = agent.tally.taken.length;
  await until('an idle message', () => agent.tally.taken.slice(from).some(({ edges }) => edges.length === 0));
});

test.run();
