/** How calls end in a real Envoy, each way made for real, and the class that each is counted under. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf, type RoutedService } from '../../deploy/local/envoy/bootstrap.ts';
import { before } from '../support/before.ts';
import { Caller } from '../support/calls.ts';
import { Lab } from '../support/lab.ts';
import { type Answer, closedPort, startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const lab = await Lab.open();
const agent = await StandInAgent.start();
const origin = await startOrigin('a');
const services = {
  once: routed('once', { a: origin.port, b: origin.port }, { timeoutMs: 300 }),
  tried: routed('tried', { a: origin.port, b: origin.port }, { retries: 2 }),
  gone: routed('gone', { a: await closedPort(), b: origin.port }),
};
const proxy = await lab.proxy({ services: Object.values(services), agentPort: agent.port });
const caller = new Caller(proxy.port);
let expected = 0;

before(test, async () => {
  agent.deliver(Object.values(services).map((service) => tableOf(service, { a: 10_000, b: 0 })));
  await until('both VMs to have the table', () => agent.upToDate() === 2);
});

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), origin.close()]);
});

const edgeOf = (service: RoutedService) => agent.tally.edge(clusterOf(service, 'a'));

/** Makes one call and returns by how much each outcome class of its edge rose, and retries. */
async function outcomeOf(service: RoutedService, answer: Answer, call: () => Promise<unknown>) {
  origin.behave(answer);
  const before = edgeOf(service);
  await call().catch(() => {});
  expected += 1;
  await until('the call in samples', () => agent.tally.calls() >= expected);
  const after = edgeOf(service);
  return {
    outcomes: after.outcomes.map((count, i) => count - (before.outcomes[i] ?? 0)),
    retries: after.retries - before.retries,
    isInHistogram: after.latencySumUs > before.latencySumUs,
  };
}

const classes = ['2xx', '3xx', '4xx', '5xx', 'reset', 'cancelled'];
const one = (name: string) => classes.map((other) => (other === name ? 1 : 0));
const status =
  (code: number): Answer =>
  (_request, response) =>
    response.writeHead(code).end();

const ways: readonly [what: string, wanted: string, service: RoutedService, answer: Answer][] = [
  ['an answer of 200', '2xx', services.once, status(200)],
  ['an answer of 204', '2xx', services.once, status(204)],
  ['an answer of 302', '3xx', services.once, status(302)],
  ['an answer of 404', '4xx', services.once, status(404)],
  ['an answer of 429', '4xx', services.once, status(429)],
  ['an answer of 500', '5xx', services.once, status(500)],
  ['an answer of 503 by the backend', '5xx', services.once, status(503)],
  ['a reset before the answer', 'reset', services.once, (request) => request.socket.destroy()],
  [
    'a reset in the middle of the body',
    'reset',
    services.once,
    (request, response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('half', () => request.socket.destroy());
    },
  ],
  ['no answer within the time-out', 'reset', services.once, () => {}],
  ['a backend at which nobody listens', 'reset', services.gone, status(200)],
];

for (const [what, wanted, service, answer] of ways) {
  test(`${what} counts as ${wanted}`, async () => {
    const seen = await outcomeOf(service, answer, () => caller.call(service.host));
    assert.equal(seen.outcomes, one(wanted));
    assert.is(seen.retries, 0);
    assert.is(seen.isInHistogram, wanted !== '5xx' && wanted !== 'reset');
  });
}

test('a client that goes away before the answer counts as cancelled, with the time it had waited', async () => {
  const leaving = new AbortController();
  const seen = await outcomeOf(
    services.tried,
    () => leaving.abort(),
    () => caller.call('tried', [], leaving.signal),
  );
  assert.equal(seen.outcomes, one('cancelled'));
  assert.ok(seen.isInHistogram);
});

test('a client that goes away in the middle of the body counts as cancelled', async () => {
  const leaving = new AbortController();
  const seen = await outcomeOf(
    services.tried,
    (_request, response) => {
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('half', () => setImmediate(() => leaving.abort()));
    },
    () => caller.call('tried', [], leaving.signal),
  );
  assert.equal(seen.outcomes, one('cancelled'));
});

test('a call that Envoy saves by retries counts once, as it ended, with the attempts that failed', async () => {
  let attempts = 0;
  const from = origin.served();
  const seen = await outcomeOf(
    services.tried,
    (_request, response) => response.writeHead(++attempts < 3 ? 503 : 200).end(),
    () => caller.call('tried'),
  );
  assert.equal(seen.outcomes, one('2xx'));
  assert.is(seen.retries, 2);
  assert.is(origin.served() - from, 3);
});

test('a call that retries do not save counts once, with the attempts beyond the first', async () => {
  const seen = await outcomeOf(services.tried, status(503), () => caller.call('tried'));
  assert.equal(seen.outcomes, one('5xx'));
  assert.is(seen.retries, 2);
  const broken = await outcomeOf(
    services.tried,
    (request) => request.socket.destroy(),
    () => caller.call('tried'),
  );
  assert.equal(broken.outcomes, one('reset'));
  assert.is(broken.retries, 2);
});

test('a request for a service that nobody routes is no call on any edge', async () => {
  const before = agent.tally.calls();
  assert.is((await caller.call('nobody')).status, 404);
  origin.behave(status(200));
  await outcomeOf(services.once, status(200), () => caller.call('once'));
  assert.is(agent.tally.calls(), before + 1);
  assert.is(agent.tally.count('droppedCalls'), 0);
});

test('nothing is left in flight when all calls have ended', async () => {
  const from = agent.tally.taken.length;
  await until('an idle message', () => agent.tally.taken.slice(from).some(({ edges }) => edges.length === 0));
});

test.run();
