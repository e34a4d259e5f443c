/** The whole controller process but its command: real port, real agents' wire, real store, the real core; time by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../controller/clock.ts';
import { Controller } from '../../controller/controller.ts';
import { StoreError } from '../../controller/errors.ts';
import { makeLog } from '../../controller/log.ts';
import { parseRoutes } from '../../controller/routes/parse.ts';
import type { RouteNews } from '../../controller/routes/source.ts';
import { Server, type ServerOptions } from '../../controller/server.ts';
import { MemoryStore } from '../../controller/store/memory.ts';
import { HandClock } from '../support/clock.ts';
import { helloOf, PretendAgent, reportOf } from './hub/pretend-agent.ts';

interface Line {
  readonly event: string;
  readonly msg: string;
  readonly level: string;
}

interface Context {
  folder: string;
  clock: HandClock;
  lines: Line[];
  servers: Server[];
  agents: PretendAgent[];
}

const test = suite<Context>('server');
const SERVICE = 'search.demo:8080';

const routeText = (port = 8080) => `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: demo }
spec:
  host: search.demo
  port: ${port}
  backends: [{ name: v1, cluster: search-v1 }, { name: v2, cluster: search-v2 }]
`;

test.before.each((context) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-server-'));
  writeFileSync(join(folder, 'search.yaml'), routeText());
  Object.assign(context, { folder, clock: new HandClock(), lines: [], servers: [], agents: [] });
});
test.after.each(async ({ folder, servers, agents }) => {
  for (const agent of agents) agent.socket.terminate();
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(context: Context, more: Partial<ServerOptions> = {}): Promise<{ server: Server; url: string }> {
  const { folder, clock, lines } = context;
  const server = new Server({
    config: {
      host: '127.0.0.1',
      port: 0,
      routesPath: join(folder, 'search.yaml'),
      dbPath: join(folder, 'weir.db'),
      windowMs: 1_000,
      tableTtlMs: 60_000,
      logLevel: 'info',
    },
    clock,
    log: makeLog('info', { write: (line) => void lines.push(JSON.parse(line)) }),
    release: '0.1.0',
    createCore: (options, at) => new Controller(options, at),
    ...more,
  });
  context.servers.push(server);
  return { server, url: await server.start() };
}

async function connect(context: Context, url: string, epoch = 0, number = 0): Promise<PretendAgent> {
  const agent = new PretendAgent(url);
  context.agents.push(agent);
  await agent.opened();
  agent.send(helloOf('node-1', { tableEpoch: epoch, tableNumber: number }));
  return agent;
}

async function get(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

async function pin(url: string, weights: Record<string, number>): Promise<Response> {
  const body = JSON.stringify({ service: SERVICE, weights, by: 'anna', why: 'a test' });
  return fetch(`${url}/v1/pin`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

function weightsIn({ services }: { services: readonly { backends: readonly { name: string; weight: number }[] }[] }) {
  return Object.fromEntries((services[0]?.backends ?? []).map(({ name, weight }) => [name, weight]));
}

test('an agent gets the tables, and a pin reaches it before the pin is answered for long', async (context) => {
  const { url } = await start(context);
  const agent = await connect(context, url);
  assert.is((await agent.next('welcome')).epoch, 1);
  const first = await agent.next('tables');
  assert.equal(weightsIn(first), { v1: 5_000, v2: 5_000 });
  agent.send({ type: 'ack', tableEpoch: first.epoch, tableNumber: first.number });
  const answer = await pin(url, { v1: 9_000, v2: 1_000 });
  assert.is(answer.status, 200);
  const pinned = await agent.next('tables');
  assert.equal(weightsIn(pinned), { v1: 9_000, v2: 1_000 });
  assert.is(pinned.number, first.number + 1);
  const decisions = (await get(`${url}/v1/decisions`)).decisions as { why: string; by: string }[];
  assert.is(decisions[0]?.by, 'anna');
  assert.ok(context.lines.some(({ event, msg }) => event === 'decision' && /v2 50 % → 10 %.*by anna/.test(msg)));
});

/** Twenty calls of v1. */
const edge = {
  caller: { workload: 'web', namespace: 'demo', zone: 'zone-a', node: 'node-1' },
  ...{ cluster: 'search-v1', arm: 'stable' as const, trialId: 0, retries: 0, inFlight: 1 },
  ...{ outcomes: [20, 0, 0, 0, 0, 0], latencySumUs: 200_000, latency: [10_000, 20] },
};

test('an autoscaler is answered once agents have reported for a while', async (context) => {
  const { url } = await start(context);
  const agent = await connect(context, url);
  await agent.next('welcome');
  const ask = () => fetch(`${url}/v1/demand?service=${SERVICE}&backend=v1`);
  assert.is((await ask()).status, 503);
  for (const sequence of [1, 2, 3]) {
    agent.send(reportOf(sequence, { edges: [edge] }));
    await agent.settled();
    context.clock.advance(10_000);
  }
  const answer = await ask();
  assert.is(answer.status, 200);
  const { loadRps } = (await answer.json()) as { loadRps: number };
  assert.ok(loadRps > 0 && loadRps < 20, `${loadRps} requests/s`);
});

test('reports reach the graph once a window has passed', async (context) => {
  const { url } = await start(context);
  const agent = await connect(context, url);
  await agent.next('welcome');
  agent.send(reportOf(1, { edges: [edge] }));
  await agent.settled();
  context.clock.advance(1_000);
  const graph = (await get(`${url}/v1/graph`)) as { edges: { cluster: string; backend: string }[] };
  assert.equal(
    graph.edges.map(({ cluster, backend }) => [cluster, backend]),
    [['search-v1', 'v1']],
  );
  const agents = (await get(`${url}/v1/agents`)) as { agents: { reports: number }[] };
  assert.is(agents.agents[0]?.reports, 1);
});

test('restarted, it takes up where it was under a higher epoch', async (context) => {
  const { server, url } = await start(context);
  await pin(url, { v1: 2_500, v2: 7_500 });
  const before = (await get(`${url}/v1/tables`)) as { number: number };
  await server.close();
  const again = await start(context);
  const agent = await connect(context, again.url, 1, before.number);
  assert.is((await agent.next('welcome')).epoch, 2);
  const tables = await agent.next('tables');
  assert.is(tables.epoch, 2);
  assert.equal(weightsIn(tables), { v1: 2_500, v2: 7_500 });
  const decisions = (await get(`${again.url}/v1/decisions`)).decisions as { id: number; why: string }[];
  assert.is(decisions[0]?.why, 'pinned: a test');
  assert.not(context.lines.some(({ event }) => event === 'epoch_raised'));
});

test('killed without a goodbye, it loses nothing that it had answered for', async (context) => {
  const { url } = await start(context);
  await pin(url, { v1: 2_500, v2: 7_500 });
  const again = await start(context);
  assert.equal(weightsIn((await get(`${again.url}/v1/tables`)) as never), { v1: 2_500, v2: 7_500 });
});

test('when the store was lost it goes above the epoch that agents have heard of, for everybody, and says so', async (context) => {
  const { url } = await start(context);
  const newcomer = await connect(context, url);
  assert.is((await newcomer.next('welcome')).epoch, 1);
  const first = await newcomer.next('tables');
  newcomer.send({ type: 'ack', tableEpoch: first.epoch, tableNumber: first.number });
  await newcomer.settled();
  const veteran = new PretendAgent(url);
  context.agents.push(veteran);
  await veteran.opened();
  veteran.send(helloOf('node-2', { tableEpoch: 41, tableNumber: 7 }));
  assert.is((await veteran.next('welcome')).epoch, 42);
  assert.is((await veteran.next('tables')).epoch, 42);
  assert.is((await newcomer.next('tables')).epoch, 42);
  const raised = context.lines.filter(({ event }) => event === 'epoch_raised');
  assert.is(raised.length, 1);
  assert.match(raised[0]?.msg ?? '', 'an agent holds tables 41.7');
  const again = await start(context);
  assert.is(((await get(`${again.url}/v1/tables`)) as { epoch: number }).epoch, 43, 'the store knows of it');
});

test('with an empty store it goes on with what lies beside the routes, above the epoch of who left it', async (context) => {
  const routes = parseRoutes(routeText(), 'test.yaml');
  const group = { name: '*', previous: [], fruitless: 0, reliefs: {}, trial: null };
  const pinned = { by: 'anna', why: 'a sale', sinceWallMs: 0 };
  const state = { frozen: null, groups: [{ ...group, weights: { v1: 2_500, v2: 7_500 }, pinned }] };
  const told: RouteNews[] = [];
  const openRoutes = () => ({
    start: () => routes,
    remembered: () => [{ service: SERVICE, epoch: 41, state }],
    reload: () => {},
    tell: (news: () => RouteNews) => void told.push(news()),
    close: (news?: () => RouteNews) => void (news && told.push(news())),
  });
  const { server, url } = await start(context, { openRoutes });
  const agent = await connect(context, url, 41, 7);
  assert.is((await agent.next('welcome')).epoch, 42);
  assert.equal(weightsIn(await agent.next('tables')), { v1: 2_500, v2: 7_500 });
  const loaded = context.lines.find(({ event }) => event === 'state_loaded');
  assert.match(loaded?.msg ?? '', 'epoch 42: 1 routes');
  assert.match(loaded?.msg ?? '', 'state taken up of 1 services from the status of their routes');
  assert.not(context.lines.some(({ event }) => event === 'epoch_raised'));
  await pin(url, { v1: 9_000, v2: 1_000 });
  assert.equal(
    told.at(-1)?.saved(SERVICE)?.groups[0]?.weights,
    { v1: 9_000, v2: 1_000 },
    'told before the next window',
  );
  const tellings = told.length;
  await server.close();
  assert.is(told.length, tellings + 1, 'and once more at the end');
});

test('tables of our own epoch that we never made are not ours either', async (context) => {
  const { url } = await start(context);
  const agent = await connect(context, url, 1, 1_000);
  assert.is((await agent.next('welcome')).epoch, 2);
});

test('a store that fails is counted and said once, and steering goes on', async (context) => {
  const store = new MemoryStore(10);
  const fail = () => {
    throw new StoreError('the disk is full', undefined);
  };
  Object.assign(store, { append: fail, saveState: fail });
  const { url } = await start(context, { store });
  assert.is((await pin(url, { v1: 10_000, v2: 0 })).status, 200);
  context.clock.advance(3_000);
  assert.equal(weightsIn((await get(`${url}/v1/tables`)) as never), { v1: 10_000, v2: 0 });
  assert.is(((await get(`${url}/v1/decisions`)).decisions as unknown[]).length, 1, 'what waits is shown');
  assert.match(await (await fetch(`${url}/metrics`)).text(), /weir_controller_store_failures_total [1-9]/);
  assert.ok(context.lines.some(({ event, msg }) => event === 'store_failed' && /steering goes on/.test(msg)));
});

test('a core that fails in one window is caught, and the next window is decided', async (context) => {
  let ticks = 0;
  const createCore: ServerOptions['createCore'] = (options, at) => {
    const core = new Controller(options, at);
    const tick = core.tick.bind(core);
    core.tick = (now) => {
      ticks += 1;
      if (ticks === 1) throw new Error('a figure was no number');
      tick(now);
    };
    return core;
  };
  const { url } = await start(context, { createCore });
  context.clock.advance(2_000);
  assert.is(ticks, 2);
  assert.is((await fetch(`${url}/healthz`)).status, 200);
  assert.match(await (await fetch(`${url}/metrics`)).text(), 'weir_controller_faults_total{where="tick"} 1');
  assert.ok(
    context.lines.some(({ event, msg }) => event === 'fault' && /a figure was no number; weights stay/.test(msg)),
  );
});

test('changed routes are taken, wrong ones refused with those in force kept', async (context) => {
  const { server, url } = await start(context);
  const path = join(context.folder, 'search.yaml');
  writeFileSync(path, routeText().replace('host:', 'hots:'));
  server.reload();
  assert.match(
    ((await get(`${url}/v1/tables`)) as { services: { service: string }[] }).services[0]?.service ?? '',
    SERVICE,
  );
  const refused = context.lines.find(({ event }) => event === 'routes_refused');
  assert.match(
    refused?.msg ?? '',
    'those in force stay: search.yaml:5: AdaptiveRoute demo/search: spec.hots is not known; did you mean host?',
  );
  writeFileSync(path, routeText(9_090));
  server.reload();
  const { services } = (await get(`${url}/v1/tables`)) as { services: { service: string }[] };
  assert.is(services[0]?.service, 'search.demo:9090');
});

test('a loop that stands still is not alive', async (context) => {
  const { clock } = context;
  const stuck: Clock = { nowMs: clock.nowMs, wallMs: clock.wallMs, after: () => () => {} };
  const { url } = await start(context, { clock: stuck });
  clock.advance(9_999);
  assert.is((await fetch(`${url}/healthz`)).status, 200);
  clock.advance(1);
  const response = await fetch(`${url}/healthz`);
  assert.is(response.status, 503);
  assert.match(((await response.json()) as { message: string }).message, 'no window was decided for 10000 ms');
});

test('metrics show what the mesh is told', async (context) => {
  const { url } = await start(context);
  await pin(url, { v1: 9_000, v2: 1_000 });
  const text = await (await fetch(`${url}/metrics`)).text();
  assert.match(text, `weir_controller_weight{service="${SERVICE}",group="*",backend="v2"} 1000`);
  assert.match(text, `weir_controller_pinned{service="${SERVICE}",group="*"} 1`);
  assert.match(text, 'weir_controller_decisions_total{kind="manual",verdict=""} 1');
  assert.match(text, 'weir_controller_table_epoch 1');
});

test.run();
