/** The filter as an image: pushed to a registry, named in a WasmPlugin, fetched by Istio's own code, and steering in a real Envoy. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { before } from '../support/before.ts';
import { eventually } from './eventually.ts';
import { buildImages } from './images.ts';
import { ROOT_NAMESPACE } from './istiod.ts';
import { Load } from './load.ts';
import { Registry } from './registry.ts';
import { HOST, PORT, Shop, searchRoute } from './shop.ts';
import type { Sidecar } from './sidecar.ts';

const test = suite('the filter from a registry');
const RPS = 80;

let shop: Shop;
let registry: Registry;
let proxy: Sidecar;
let digest: string;

before(test, async () => {
  shop = await Shop.open();
  const output = join(shop.cluster.folder, 'images');
  buildImages(output, '--only', 'filter');
  registry = await Registry.start(shop.cluster);
  digest = registry.push(join(output, 'weir-filter'), 'weir-filter:0.1.0');
  await shop.weir.killController();
  const url = `oci://${registry.address}/weir-filter@${digest}`;
  await shop.weir.startController({ WEIR_CONTROLLER_FILTER_URL: url });
  await eventually('the plugin to name the image', async () => {
    const plugin = ['get', 'wasmplugin', 'weir', '-n', ROOT_NAMESPACE, '-o', 'jsonpath={.spec.url}'];
    return shop.cluster.kubectl(...plugin) === url;
  });
  proxy = await shop.proxy({ workload: 'web', zone: 'zone-a', octet: 5 });
  await eventually('istiod to have configured the proxy', async () => (await proxy.call(HOST, PORT)).status === 200);
});
test.after(() => shop?.close());

test('it is fetched from there, and measures', async () => {
  const load = new Load(proxy, HOST, RPS);
  await eventually('samples in the graph', async () => {
    const { edges } = (await (await shop.weir.ask('/v1/graph')).json()) as {
      edges: { caller: { workload: string } }[];
    };
    return edges.some(({ caller }) => caller.workload === 'web');
  });
  await load.stop();
  assert.is(load.failed(), 0);
  const blobs = join(shop.cluster.folder, 'images', 'weir-filter', 'blobs');
  const { layers } = JSON.parse(readFileSync(join(blobs, ...digest.split(':')), 'utf8'));
  assert.match(registry.log(), `GET /v2/weir-filter/manifests/${digest}`);
  assert.match(registry.log(), `GET /v2/weir-filter/blobs/${layers[0].digest}`);
});

test('it steers once there is a route', async () => {
  const load = new Load(proxy, HOST, RPS);
  shop.cluster.apply(searchRoute());
  await eventually('calls to be steered', async () => load.answers.at(-1)?.sawBackend?.startsWith('v') === true);
  await load.stop();
  assert.is(load.failed(), 0);
});

test.run();
