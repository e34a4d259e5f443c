/** Weir at a gateway of Istio's: calls that come from outside the mesh are measured and steered where they enter it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { before } from '../support/before.ts';
import { eventually } from './eventually.ts';
import { Load } from './load.ts';
import { HOST, NAMESPACE, PORT, Shop, searchRoute } from './shop.ts';
import type { Sidecar } from './sidecar.ts';

const test = suite('a gateway of a real istiod');
const OUTSIDE = 'search.example.com';
const RPS = 80;

let shop: Shop;
let gateway: Sidecar;

before(test, async () => {
  shop = await Shop.open();
  shop.cluster.apply({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'search-outside', namespace: NAMESPACE },
    spec: {
      hosts: [OUTSIDE],
      gateways: ['door'],
      http: [{ route: [{ destination: { host: 'search' } }], timeout: '3s' }],
    },
  });
  gateway = await shop.proxy({ workload: 'door', zone: 'zone-a', octet: 2, type: 'router' });
  await eventually('the gateway to serve', async () => (await gateway.call(OUTSIDE, PORT)).status === 200);
});
test.after(() => shop?.close());

test('the filter is there too, measures, and touches nothing', async () => {
  const load = new Load(gateway, OUTSIDE, RPS);
  await eventually('samples in the graph', async () => {
    const { edges } = (await (await shop.weir.ask('/v1/graph')).json()) as {
      edges: { cluster: string; caller: { workload: string }; isConfigured?: boolean }[];
    };
    return edges.some(
      ({ cluster, caller, isConfigured }) =>
        cluster === `outbound|${PORT}||${HOST}` && caller.workload === 'door' && isConfigured === true,
    );
  });
  await load.stop();
  assert.is(load.failed(), 0);
  assert.ok(load.answers.every(({ sawBackend }) => sawBackend === 'none'));
});

test('with its VirtualService adopted, calls from outside are steered, and a fault moves them', async () => {
  const load = new Load(gateway, OUTSIDE, RPS);
  shop.cluster.apply(searchRoute({ adopt: { virtualService: 'search-outside' } }));
  await eventually('calls to be steered', async () => load.answers.at(-1)?.sawBackend?.startsWith('v') === true);
  assert.is(load.failed(), 0, 'adopting cost no call');
  await eventually('both to be called', async () => load.recentShare('v2', 50) > 0.2);
  shop.v2.behave((_request, response) => response.writeHead(503).end());
  await eventually('calls to leave the broken one', async () => load.recentShare('v1', 100) >= 0.95);
  shop.v2.behave((_request, response) => response.end('ok'));
  await load.stop();
});

test('calls within the mesh, of which that one says nothing, are steered by one of ours', async () => {
  const web = await shop.proxy({ workload: 'web', zone: 'zone-a', octet: 3 });
  await eventually('calls within the mesh to be steered', async () => {
    const { status, sawBackend } = await web.call(HOST, PORT);
    return status === 200 && sawBackend?.startsWith('v') === true;
  });
  const names = shop.cluster.kubectl('get', '-n', NAMESPACE, 'virtualservices', '-o', 'name');
  assert.match(names, 'weir-search');
});

test('what it said before comes back with the route gone', async () => {
  shop.cluster.kubectl('delete', '-n', NAMESPACE, 'adaptiveroute', 'search');
  await eventually('its rules to be as they were', async () => {
    const path = 'jsonpath={.spec.http}';
    const http = shop.cluster.kubectl('get', '-n', NAMESPACE, 'virtualservice', 'search-outside', '-o', path);
    return http === '[{"route":[{"destination":{"host":"search"}}],"timeout":"3s"}]';
  });
  await eventually('ours to go', async () => {
    const names = shop.cluster.kubectl('get', '-n', NAMESPACE, 'virtualservices', '-o', 'name');
    return !names.includes('weir-search');
  });
  await eventually('calls to be plain', async () => (await gateway.call(OUTSIDE, PORT)).sawBackend === 'none');
});

test.run();
