/** The whole agent between real filters' messages over HTTP and a controller over a WebSocket, its windows moved by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Agent } from '../../agent/agent.ts';
import { type EdgeSample, encodeSamples, type Samples } from '../../agent/wire/samples.ts';
import { decodeTable, type TableMessage } from '../../agent/wire/table.ts';
import type { Report } from '../../controller/wire/messages.ts';
import { HandClock } from '../support/clock.ts';
import { seeded } from '../support/random.ts';
import { listening, type Said } from './listening.ts';
import { PretendController, type PretendLine } from './pretend-controller.ts';
import { edgeOf, NO_VIEW_ID, samplesOf, serviceOf, tablesOf } from './sketch.ts';

interface Context {
  clock: HandClock;
  controller: PretendController;
  stateDir: string;
  agents: Agent[];
  said: Said[];
  url: string;
}

const test = suite<Context>('agent');

/** A new life of the agent on the same disk. */
async function live(context: Context, more: { outboxReports?: number } = {}): Promise<Agent> {
  const { log, said } = listening();
  const agent = new Agent({
    config: {
      host: '127.0.0.1',
      port: 0,
      controllerUrl: context.controller.url,
      node: 'node-1',
      zone: 'zone-a',
      stateDir: context.stateDir,
      forecastWindowMs: 10_000,
      outboxReports: 60,
      maxConnections: 100,
      logLevel: 'info',
      ...more,
    },
    clock: context.clock,
    random: seeded(1),
    log,
    release: '0.1.0',
    writeDelayMs: 0,
  });
  context.agents.push(agent);
  context.said = said;
  context.url = `http://127.0.0.1:${await agent.start()}`;
  return agent;
}

const identity = (more: Record<string, string> = {}) => ({
  'x-weir-node-id': 'sidecar~1',
  'x-weir-workload': 'web',
  'x-weir-namespace': 'shop',
  'x-weir-zone': 'zone-b',
  ...more,
});

async function post(context: Context, edges: readonly EdgeSample[], more: Partial<Samples> = {}, headers = identity()) {
  const body = new Uint8Array(encodeSamples(samplesOf(edges, more)));
  const answer = await fetch(`${context.url}/v1/samples`, { method: 'POST', body, headers });
  assert.is(answer.status, 204);
}

/** Asks for a table as a filter does; the answer, or the sentence of a refusal. */
async function ask(context: Context, have = NO_VIEW_ID, headers = identity()): Promise<TableMessage | string> {
  const answer = await fetch(`${context.url}/v1/table?have=${have}`, { headers });
  if (answer.status !== 200) return answer.text();
  return decodeTable(new Uint8Array(await answer.arrayBuffer()));
}

async function table(asking: Promise<TableMessage | string>): Promise<TableMessage> {
  const answer = await asking;
  if (typeof answer === 'string') throw new Error(`a table was expected, not ${answer}`);
  return answer;
}

/** Until the agent holds so many requests. */
async function holding(context: Context, count: number): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${context.url}/metrics`)).text();
    if (metrics.includes(`weir_agent_held_requests ${count}\n`)) return;
  }
}

const metric = async (context: Context, name: string) => {
  const text = await (await fetch(`${context.url}/metrics`)).text();
  return Number(new RegExp(`^weir_agent_${name.replace(/[{}"]/g, '\\$&')} (.+)$`, 'm').exec(text)?.[1]);
};

/** The next connection of an agent that lost the one before: time passes, in steps, until it is there. */
async function comeBack(context: Context): Promise<PretendLine> {
  let line: PretendLine | undefined;
  void context.controller.line().then((next) => {
    line = next;
  });
  while (!line) {
    context.clock.advance(250);
    // A round through the agent's own loop, in which connections open and close.
    await metric(context, 'controller_connected');
  }
  return line;
}

/** The report of the window that ends now. */
async function closeWindow(context: Context, line: PretendLine, ms = 1_000): Promise<Report> {
  context.clock.advance(ms);
  return line.seek('report');
}

test.before.each(async (context) => {
  const clock = new HandClock();
  const stateDir = mkdtempSync(join(tmpdir(), 'weir-agent-whole-'));
  Object.assign(context, { clock, stateDir, agents: [], controller: await PretendController.start() });
});
test.after.each(async (context) => {
  await Promise.all(context.agents.map((agent) => agent.close()));
  await context.controller.close();
  rmSync(context.stateDir, { recursive: true, force: true });
});

test('what filters measured is one report per window, added up per caller, cluster and arm', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  await line.settled();
  const stable = edgeOf({ outcomes: [10, 0, 0, 1, 0, 0], latencySumUs: 5_000, inFlight: 2, buckets: [70, 10] });
  const trial = edgeOf({ arm: 'trial', trialId: 7, outcomes: [3, 0, 0, 0, 0, 0], buckets: [80, 3] });
  await post(context, [stable, trial], { vmId: '00000000000000a1', steeredCalls: 5 });
  await post(context, [stable], { vmId: '00000000000000a2', steeredCalls: 6 });
  await post(context, [stable], { vmId: '00000000000000a2', steeredCalls: 6 });
  const report = await closeWindow(context, line);
  assert.is(report.sequence, 1);
  assert.is(report.windowMs, 1_000);
  assert.is(report.windowStartMs, 1_767_225_600_000);
  const caller = { workload: 'web', namespace: 'shop', zone: 'zone-b', node: 'node-1' };
  const [first, second, ...more] = report.edges;
  assert.equal(more, []);
  assert.equal(
    [first?.caller, first?.arm, first?.outcomes, first?.inFlight],
    [caller, 'stable', [20, 0, 0, 2, 0, 0], 4],
  );
  assert.equal([second?.arm, second?.trialId, second?.outcomes[0], second?.inFlight], ['trial', 7, 3, 0]);
  assert.is(report.proxies.length, 1);
  assert.is(report.proxies[0]?.steeredCalls, 11);
  assert.is(await metric(context, 'samples_total{result="replayed"}'), 1);
  const next = await closeWindow(context, line);
  assert.is(next.sequence, 2);
  assert.equal(
    next.edges.map(({ outcomes, inFlight }) => [outcomes, inFlight]),
    [[[0, 0, 0, 0, 0, 0], 4]],
  );
});

test('a caller that does not say its zone is of the node’s', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  await line.settled();
  await post(context, [edgeOf()], {}, { ...identity(), 'x-weir-zone': '' });
  assert.is((await closeWindow(context, line)).edges[0]?.caller.zone, 'zone-a');
  const zoned = serviceOf('shop', { group: 'zone-a' });
  line.send(tablesOf(1, [zoned]));
  await line.seek('ack');
  assert.is((await table(ask(context, NO_VIEW_ID, { ...identity(), 'x-weir-zone': '' }))).services.length, 1);
  assert.is((await table(ask(context, NO_VIEW_ID))).services.length, 0);
});

test('a dead proxy’s requests in flight are not told for ever', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  await line.settled();
  await post(context, [edgeOf({ inFlight: 9 })]);
  assert.is((await closeWindow(context, line)).edges[0]?.inFlight, 9);
  for (let window = 0; window < 6; window++) await closeWindow(context, line);
  const report = await closeWindow(context, line);
  assert.equal(report.edges, []);
  assert.is(report.proxies[0]?.silentMs, 8_000);
});

test('the length of windows is what the welcome says', async (context) => {
  await live(context);
  const line = await context.controller.welcome(5, 250);
  await line.settled();
  const report = await closeWindow(context, line, 250);
  assert.is(report.windowMs, 250);
});

test('forecasts of the next six windows come at the end of each forecast window', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  await line.settled();
  const forecasts: Report['forecasts'] = [];
  for (let window = 1; window <= 20; window++) {
    await post(context, [edgeOf({ outcomes: [40, 0, 0, 0, 0, 0] })], { sequence: window });
    const report = await closeWindow(context, line);
    assert.is(report.forecasts.length, window % 10 === 0 ? 1 : 0);
    forecasts.push(...report.forecasts);
  }
  assert.equal(forecasts.at(-1), {
    caller: { workload: 'web', namespace: 'shop', zone: 'zone-b', node: 'node-1' },
    cluster: 'shop-a',
    forecaster: 'naive',
    windowMs: 10_000,
    loadRps: [40, 40, 40, 40, 40, 40],
    errorRps: 0,
  });
});

test('tables reach filters that wait the moment they come', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  const asking = [1, 2, 3].map((vm) =>
    ask(context, NO_VIEW_ID, identity({ 'x-weir-vm': String(vm).padStart(16, '0') })),
  );
  await holding(context, 3);
  line.send(tablesOf(1, [serviceOf('shop')]));
  for (const each of asking) {
    const answer = await table(each);
    assert.is(answer.services[0]?.backends[0]?.cluster, 'shop-a');
    assert.is(answer.ttlMs, 60_000);
  }
  const { viewId } = await table(ask(context));
  const waiting = ask(context, viewId);
  await holding(context, 1);
  context.clock.advance(20_000);
  const unchanged = await table(waiting);
  assert.is(unchanged.isUnchanged, true);
});

test('a filter is told of what its workload calls, once that is known', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  line.send(tablesOf(1, [serviceOf('shop'), serviceOf('bank')]));
  await line.seek('ack');
  const wide = await table(ask(context));
  assert.is(wide.services.length, 2);
  const waiting = ask(context, wide.viewId);
  await holding(context, 1);
  await post(context, [edgeOf({ cluster: 'shop-b' })]);
  context.clock.advance(20);
  const narrow = await table(waiting);
  assert.equal(
    narrow.services.map(({ entryClusters }) => entryClusters),
    [['shop']],
  );
});

test('an agent that never heard of tables takes nothing from its filters', async (context) => {
  await context.controller.close();
  await live(context);
  const waiting = ask(context, 'ab'.repeat(8));
  await holding(context, 1);
  context.clock.advance(20_000);
  assert.is(await waiting, 'no table has come from a controller yet; keep what you have\n');
  assert.is((await fetch(`${context.url}/readyz`)).status, 503);
});

test('when the controller is gone for the ttl filters are told to fall back, and back to steering with its next word', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  line.send(tablesOf(1, [serviceOf('shop')], { ttlMs: 9_000 }));
  await line.seek('ack');
  const { viewId } = await table(ask(context));
  const { port } = context.controller;
  await context.controller.close();
  context.clock.advance(8_000);
  const waiting = ask(context, viewId);
  await holding(context, 1);
  context.clock.advance(1_000);
  const ended = await table(waiting);
  assert.equal([ended.viewId, ended.services], [NO_VIEW_ID, []]);
  assert.ok(context.said.some(({ event }) => event === 'tables_expired'));
  context.controller = await PretendController.start(port);
  const newLine = await comeBack(context);
  const again = ask(context, NO_VIEW_ID);
  await holding(context, 1);
  newLine.send({ type: 'welcome', protocol: 1, epoch: 5, windowMs: 1_000 });
  const back = await table(again);
  assert.is(back.viewId, viewId);
});

test('reports of the time without a controller come after it, in order, with those lost told', async (context) => {
  const { port } = context.controller;
  await context.controller.close();
  await live(context, { outboxReports: 3 });
  for (let window = 1; window <= 5; window++) {
    await post(context, [edgeOf({ outcomes: [window, 0, 0, 0, 0, 0] })], { sequence: window });
    context.clock.advance(1_000);
  }
  assert.is(await metric(context, 'reports_lost_total'), 2);
  context.controller = await PretendController.start(port);
  const line = await comeBack(context);
  line.send({ type: 'welcome', protocol: 1, epoch: 5, windowMs: 1_000 });
  const first = await line.seek('report');
  assert.is(first.lostReports, first.sequence - 1);
  assert.is((await line.seek('report')).sequence, first.sequence + 1);
  assert.is((await line.seek('report')).sequence, first.sequence + 2);
});

test('a controller of a lower epoch gets no reports and its tables are not taken', async (context) => {
  await live(context);
  const line = await context.controller.welcome(6);
  line.send(tablesOf(1, [serviceOf('shop')], { epoch: 6 }));
  await line.seek('ack');
  line.socket.terminate();
  const oldLine = await comeBack(context);
  await oldLine.next('hello');
  oldLine.send({ type: 'welcome', protocol: 1, epoch: 5, windowMs: 1_000 });
  oldLine.send(tablesOf(9, [serviceOf('bank')]));
  await oldLine.closed();
  assert.is(oldLine.unread, 0);
  assert.is((await table(ask(context))).tableEpoch, 6);
  assert.is(await metric(context, 'epochs_refused_total'), 1);
});

test('hostile requests cost nothing: counted, answered, and the next window is whole', async (context) => {
  await live(context);
  const line = await context.controller.welcome();
  await line.settled();
  const random = seeded(9);
  const good = encodeSamples(samplesOf([edgeOf()]));
  for (let round = 0; round < 100; round++) {
    const body = new Uint8Array(good);
    for (let i = 0; i < 3; i++) body[Math.floor(random() * 8)] = Math.floor(random() * 256);
    await fetch(`${context.url}/v1/samples`, { method: 'POST', body, headers: identity() });
  }
  assert.ok((await metric(context, 'refused_requests_total{status="400"}')) > 90);
  assert.is(context.said.filter(({ event }) => event === 'request_refused').length, 1);
  await post(context, [edgeOf({ outcomes: [8, 0, 0, 0, 0, 0] })], { sequence: 1_000, vmId: '00000000000000ff' });
  const report = await closeWindow(context, line);
  assert.ok((report.edges[0]?.outcomes[0] ?? 0) >= 8);
});

test('stopping lets filters go with what they have and says goodbye', async (context) => {
  const agent = await live(context);
  const line = await context.controller.welcome();
  line.send(tablesOf(1, [serviceOf('shop')]));
  await line.seek('ack');
  const { viewId } = await table(ask(context));
  const waiting = ask(context, viewId);
  await holding(context, 1);
  await agent.close();
  assert.is(await waiting, 'the agent stops\n');
  assert.is(await line.closed(), 1001);
});

test.run();
