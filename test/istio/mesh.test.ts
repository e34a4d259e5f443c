/** Weir in a mesh of a real istiod: attached by a WasmPlugin, steering by what it published itself, through outages of every part. */
import { createServer } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RouteStatus } from '../../controller/intake/status.ts';
import type { ServiceStatus } from '../../controller/steer/status.ts';
import { before } from '../support/before.ts';
import { eventually } from './eventually.ts';
import { Load } from './load.ts';
import { HOST, NAMESPACE, OTHER_PORT, PORT, Shop, searchRoute } from './shop.ts';
import type { Sidecar } from './sidecar.ts';

const test = suite('a mesh of a real istiod');
const RPS = 80;

let shop: Shop;
let proxy: Sidecar;

before(test, async () => {
  // Who takes away what a route owned, is at it too.
  shop = await Shop.open({ hasControllers: true });
  proxy = await shop.proxy({ workload: 'web', zone: 'zone-a', octet: 2 });
  await eventually('istiod to have configured the proxy', async () => (await proxy.call(HOST, PORT)).status === 200);
});
test.after(() => shop?.close());

async function condition(type: string): Promise<RouteStatus['conditions'][number] | undefined> {
  const text = shop.cluster.kubectl('get', '-n', NAMESPACE, 'adaptiveroute', 'search', '-o', 'json');
  const { status } = JSON.parse(text) as { status?: RouteStatus };
  return status?.conditions.find((each) => each.type === type);
}

async function weights(): Promise<Record<string, number>> {
  const { services } = (await (await shop.weir.ask('/v1/services')).json()) as { services: ServiceStatus[] };
  const group = services.find(({ group: name }) => name === 'zone-a') ?? services[0];
  return Object.fromEntries((group?.backends ?? []).map(({ name, weight }) => [name, weight]));
}

/** Every push that could change what a proxy does. */
async function pushes(): Promise<number> {
  const counts = await Promise.all((['cds', 'eds', 'lds', 'rds'] as const).map((type) => shop.istiod.pushes(type)));
  return counts.reduce((sum, count) => sum + count, 0);
}

test('without a route the filter measures and touches nothing', async () => {
  const load = new Load(proxy, HOST, RPS);
  await eventually('samples in the graph', async () => {
    const { edges } = (await (await shop.weir.ask('/v1/graph')).json()) as {
      edges: { cluster: string; caller: { workload: string } }[];
    };
    return edges.some(({ cluster, caller }) => cluster === `outbound|${PORT}||${HOST}` && caller.workload === 'web');
  });
  await load.stop();
  assert.is(load.failed(), 0);
  assert.ok(load.answers.every(({ sawBackend }) => sawBackend === 'none'));
});

test('a route is published, becomes configuration of Envoy, and the filter steers by it', async () => {
  const load = new Load(proxy, HOST, RPS);
  shop.cluster.apply(searchRoute({ backends: undefined, backendsFrom: { label: 'version' } }));
  await eventually('calls to be steered', async () => load.answers.at(-1)?.sawBackend?.startsWith('v') === true);
  await eventually('it to be said', async () => (await condition('Published'))?.status === 'True');
  await load.stop();
  assert.is(load.failed(), 0, 'attaching cost no call');
  const dump = await proxy.admin('/config_dump?resource=dynamic_route_configs');
  for (const name of ['weir-v1', 'weir-v2', 'weir-plain']) assert.match(dump, `"name": "${name}"`);
  assert.match(await proxy.admin('/stats?filter=wasm'), /wasm\.envoy\.wasm\.runtime\.v8\.active: [1-9]/);
});

test('calls to another port of the host go on as they were', async () => {
  const { status, sawBackend } = await proxy.call(HOST, OTHER_PORT);
  assert.equal([status, sawBackend], [200, 'none']);
});

test('a fault moves the weights, and istiod pushes nothing for it', async () => {
  const load = new Load(proxy, HOST, RPS);
  await eventually('both to be called', async () => load.recentShare('v2', 50) > 0.2);
  const before = await pushes();
  shop.v2.behave((_request, response) => response.writeHead(503).end());
  await eventually('calls to leave the broken one', async () => load.recentShare('v1', 100) >= 0.95);
  assert.is(await pushes(), before);
  await eventually('it to be said on the route', async () => (await condition('Steering'))?.reason === 'Relieving');
  shop.v2.behave((_request, response) => response.end('ok'));
  await eventually('it to come back', async () => load.recentShare('v2', 100) > 0.2);
  await load.stop();
});

test('the API server, istiod and the controller die in turn under load: no call fails, no weight is lost', async () => {
  const load = new Load(proxy, HOST, RPS);
  const steered = async (what: string) => {
    const from = load.answers.length;
    await eventually(`calls ${what}`, async () => load.answers.length >= from + RPS);
    assert.is(load.failed(), 0, what);
    const some = load.answers.slice(from);
    assert.ok(
      some.every(({ sawBackend }) => sawBackend?.startsWith('v')),
      `steered ${what}`,
    );
  };
  await steered('with all there');
  // A trial that ends meanwhile would move weights too.
  const headers = { authorization: `Bearer ${shop.weir.operatorToken()}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ service: `${HOST}:${PORT}`, by: 'test', why: 'to see that nothing moves them' });
  assert.is((await shop.weir.ask('/v1/freeze', { method: 'POST', headers, body })).status, 200);
  const before = await weights();
  await shop.cluster.kill();
  await steered('without the API server');
  assert.equal(await weights(), before);
  await shop.istiod.kill();
  await steered('without istiod too');
  await shop.weir.killController();
  await steered('without the controller too');
  await shop.cluster.serve();
  await shop.istiod.serve();
  await shop.weir.startController();
  await steered('with all back');
  assert.equal(await weights(), before, 'taken up from the store');
  await eventually('agents to be heard', async () => (await condition('Steering'))?.status === 'True');
  await steered('at the end');
  await load.stop();
});

test('a module that cannot be fetched, or is not what it should be, keeps no proxy from starting', async () => {
  await shop.weir.killController();
  const gone = await startTimed('late', 3);
  const wrong = createServer((_request, response) => response.end('this is no module'));
  await new Promise<void>((resolve) => wrong.listen(shop.weir.controllerPort, '127.0.0.1', resolve));
  const broken = await startTimed('later', 4);
  wrong.closeAllConnections();
  await new Promise((resolve) => wrong.close(resolve));
  process.stdout.write(`ready after ${gone} s with nobody to fetch from, ${broken} s with a wrong module\n`);
  await shop.weir.startController();
});

/** A proxy that nobody has the filter for. @returns seconds until it served */
async function startTimed(workload: string, octet: number): Promise<number> {
  const startedMs = performance.now();
  const newcomer = await shop.proxy({ workload, zone: 'zone-a', octet });
  await eventually(`${workload} to serve`, async () => (await newcomer.call(HOST, PORT)).status === 200);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const answers = await Promise.all(Array.from({ length: 20 }, () => newcomer.call(HOST, PORT)));
  assert.ok(answers.every(({ status, sawBackend }) => status === 200 && sawBackend === 'none'));
  return seconds;
}

test('removing the route takes away what it brought, and costs no call', async () => {
  const load = new Load(proxy, HOST, RPS);
  shop.cluster.kubectl('delete', '-n', NAMESPACE, 'adaptiveroute', 'search');
  await eventually('its objects to go', async () => {
    const left = shop.cluster.kubectl('get', '-n', NAMESPACE, 'virtualservices,destinationrules', '-o', 'name');
    return left.trim() === '';
  });
  await eventually('calls to be plain', async () => load.answers.at(-1)?.sawBackend === 'none');
  await load.stop();
  assert.is(load.failed(), 0);
});

test.run();
