/** The servers of the mesh: slots, queue, service times, errors, calls, changes. Real loopback HTTP, hand-moved time. */
import { type IncomingHttpHeaders, request } from 'node:http';
import Value from 'typebox/value';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../../deploy/local/apps/caller.ts';
import { Endpoint } from '../../deploy/local/apps/endpoint.ts';
import { Slots } from '../../deploy/local/apps/slots.ts';
import { type Backend, type Call, Call as CallSchema } from '../../deploy/local/scenario/service-schema.ts';
import { startOrigin } from '../support/origin.ts';
import { HandTiming } from './hand-timing.ts';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

const backend: Backend = {
  name: 'v1',
  zone: 'east',
  endpoints: 1,
  concurrency: 1,
  queue: 1,
  serviceTime: { kind: 'constant', meanMs: 10 },
  errorRatio: 0,
  errorStatus: 503,
};

function get(port: number, headers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', headers, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    sent.once('error', reject);
    sent.end();
  });
}

function makeEndpoint(
  timing: HandTiming,
  changes: Partial<Backend> = {},
  calls: Call[][] = [],
  caller?: Caller,
): Endpoint {
  return new Endpoint({
    service: 'stock',
    backend: { ...backend, ...changes },
    calls,
    holdsSlot: true,
    seed: 1,
    caller,
    after: timing.after,
  });
}

test('a request is answered after its service time, by name', async () => {
  const timing = new HandTiming();
  const endpoint = makeEndpoint(timing);
  const port = await endpoint.open();
  const reply = get(port);
  await timing.untilWaiting(1);
  assert.equal(timing.waitsMs(), [10]);
  timing.advance(10);
  assert.is((await reply).status, 200);
  assert.is((await reply).headers['x-served-by'], 'stock/v1');
  await endpoint.close();
});

test('one more than slots and queue hold gets 503 at once; the queued one works after the first', async () => {
  const timing = new HandTiming();
  const endpoint = makeEndpoint(timing);
  const port = await endpoint.open();
  const replies = [get(port)];
  await timing.untilWaiting(1);
  replies.push(get(port), get(port));
  const refused = await Promise.race(replies);
  assert.is(refused.status, 503);
  timing.advance(10);
  await timing.untilWaiting(1);
  timing.advance(10);
  assert.equal((await Promise.all(replies)).map(({ status }) => status).sort(), [200, 200, 503]);
  await endpoint.close();
});

test('errors come at once and as often as the ratio says, and healing ends them', async () => {
  const timing = new HandTiming();
  const endpoint = makeEndpoint(timing, { concurrency: 1000 });
  const port = await endpoint.open();
  await endpoint.change({ errorRatio: 0.5, serviceTimeMultiplier: 4 });
  const replies = Array.from({ length: 200 }, (_, i) => get(port, { 'x-call-id': String(i) }));
  let failed = 0;
  for (const reply of replies) void reply.then(({ status }) => (failed += status === 503 ? 1 : 0));
  // Those that do not fail wait for their service time, four times as long.
  while (failed + timing.waitsMs().length < 200) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(Math.abs(failed - 100) < 30, `${failed} failed`);
  assert.ok(timing.waitsMs().every((ms) => ms === 40));
  timing.advance(40);
  await Promise.all(replies);

  await endpoint.heal();
  const healed = get(port);
  await timing.untilWaiting(1);
  assert.equal(timing.waitsMs(), [10]);
  timing.advance(10);
  assert.is((await healed).status, 200);
  await endpoint.close();
});

test('service times, slots and queue change while it runs, and heal', async () => {
  const timing = new HandTiming();
  const endpoint = makeEndpoint(timing);
  const port = await endpoint.open();
  await endpoint.change({ serviceTime: { kind: 'constant', meanMs: 30 }, concurrency: 2, queue: 0 });
  const replies = [get(port), get(port)];
  await timing.untilWaiting(2);
  assert.equal(timing.waitsMs(), [30, 30]);
  assert.is((await get(port)).status, 503, 'two slots, no queue');
  timing.advance(30);
  await Promise.all(replies);
  await endpoint.heal();
  const healed = [get(port), get(port)];
  await timing.untilWaiting(1);
  assert.equal(timing.waitsMs(), [10]);
  timing.advance(10);
  await timing.untilWaiting(1);
  timing.advance(10);
  assert.equal(
    (await Promise.all(healed)).map(({ status }) => status),
    [200, 200],
  );
  await endpoint.close();
});

test('whether a call fails belongs to the call and its attempt, not to the order in which calls come', async () => {
  const statuses = async (ids: readonly string[], attempt: string) => {
    const timing = new HandTiming();
    const endpoint = makeEndpoint(timing, { concurrency: 1000, errorRatio: 0.5 });
    const port = await endpoint.open();
    const seen = new Map<string, number>();
    const asked = ids.map((id) =>
      get(port, { 'x-call-id': id, 'x-envoy-attempt-count': attempt }).then(({ status }) => seen.set(id, status)),
    );
    while (seen.size + timing.waitsMs().length < ids.length) await new Promise((resolve) => setImmediate(resolve));
    timing.advance(10);
    await Promise.all(asked);
    await endpoint.close();
    return [...ids].sort().map((id) => seen.get(id));
  };
  const ids = Array.from({ length: 40 }, (_, i) => `${i}.1`);
  const first = await statuses(ids, '1');
  assert.equal(await statuses([...ids].reverse(), '1'), first);
  assert.not.equal(await statuses(ids, '2'), first, 'a retry draws anew');
});

test('what is down refuses connections, and comes back on the same port', async () => {
  const timing = new HandTiming();
  const endpoint = makeEndpoint(timing);
  const port = await endpoint.open();
  const cut = get(port).then(
    () => 'answered',
    (error: NodeJS.ErrnoException) => error.code,
  );
  await timing.untilWaiting(1);
  await endpoint.change({ down: true });
  assert.is(await cut, 'ECONNRESET');
  assert.is(await get(port).catch((error: NodeJS.ErrnoException) => error.code), 'ECONNREFUSED');
  timing.advance(10);
  await endpoint.heal();
  const reply = get(port);
  await timing.untilWaiting(1);
  timing.advance(10);
  assert.is((await reply).status, 200);
  await endpoint.close();
});

test('calls go through the sidecar with an id of their own, and their path comes back', async () => {
  const timing = new HandTiming();
  const sidecar = await startOrigin('depot/v2');
  const ids: string[] = [];
  sidecar.behave((incoming, response) => {
    ids.push(`${incoming.headers.host} ${incoming.headers['x-call-id']}`);
    response.setHeader('x-upstream-cluster', 'outbound|80|v2|depot');
    response.end();
  });
  const clusters: string[] = [];
  const caller = new Caller(new Map([['depot', 'depot:80']]), ({ cluster }) => clusters.push(cluster), timing.nowMs);
  caller.useSidecar(sidecar.port);
  const calls = [[Value.Default(CallSchema, { service: 'depot', count: 2 }) as Call]];
  const endpoint = makeEndpoint(timing, {}, calls, caller);
  const port = await endpoint.open();
  const reply = get(port, { 'x-call-id': '7' });
  await timing.untilWaiting(1);
  timing.advance(10);
  assert.is((await reply).headers['x-served-by'], 'stock/v1 depot/v2 depot/v2');
  assert.equal(ids.sort(), ['depot:80 7.1', 'depot:80 7.2']);
  assert.equal(clusters, ['outbound|80|v2|depot', 'outbound|80|v2|depot']);

  sidecar.behave((_incoming, response) => response.writeHead(503).end());
  const failing = get(port);
  await timing.untilWaiting(1);
  timing.advance(10);
  assert.is((await failing).status, 502, 'a call that it needs failed');
  await caller.close();
  await endpoint.close();
  await sidecar.close();
});

test('slots: first come, first served; who leaves is not served; more slots serve at once', () => {
  const slots = new Slots(1, 3);
  const begun: string[] = [];
  const begin = (name: string) => () => begun.push(name);
  const leaver = begin('c');
  assert.is(slots.enter(begin('a')), 'working');
  assert.is(slots.enter(begin('b')), 'queued');
  assert.is(slots.enter(leaver), 'queued');
  assert.is(slots.enter(begin('d')), 'queued');
  assert.is(slots.enter(begin('e')), 'full');
  assert.ok(slots.leave(leaver));
  assert.not(slots.leave(leaver));
  slots.release();
  assert.equal(begun, ['a', 'b']);
  slots.resize(2, 0);
  assert.equal(begun, ['a', 'b', 'd']);
  assert.is(slots.enter(begin('f')), 'full', 'no queue any more');
});

test.run();
