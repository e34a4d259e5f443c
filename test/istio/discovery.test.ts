/** What the controller, with the chart's rights, learns from a real API server: backends, their coming and going, and configured edges. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConfiguredReading } from '../../controller/graph/configured.ts';
import type { RouteStatus } from '../../controller/intake/status.ts';
import type { AdaptiveRoute } from '../../controller/routes/route.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { eventually } from './eventually.ts';
import { Weir } from './weir.ts';

const test = suite('discovery from a real API server');
const NAMESPACE = 'shop';
const ISTIO = 'networking.istio.io/v1';

let cluster: ApiServer;
let weir: Weir;

before(test, async () => {
  cluster = await ApiServer.start();
  weir = await Weir.install(cluster, {});
  cluster.kubectl('create', 'namespace', NAMESPACE);
  await weir.startController();
});
test.after(() => cluster?.close());

const metadata = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  name,
  namespace: NAMESPACE,
  labels,
});
const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(name),
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
});
const pod = (app: string, version: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: metadata(`${app}-${version}`, { app, version }),
  spec: { containers: [{ name: 'app', image: 'none' }] },
});
const route = (name: string, backendsFrom: object) => ({
  apiVersion: 'weir.dev/v1alpha1',
  kind: 'AdaptiveRoute',
  metadata: metadata(name),
  spec: { host: name, port: 80, backendsFrom },
});

async function backends(name: string): Promise<string[]> {
  const { routes } = (await (await weir.ask('/v1/routes')).json()) as { routes: AdaptiveRoute[] };
  return routes.find((each) => each.metadata.name === name)?.spec.backends.map((each) => each.name) ?? [];
}

async function accepted(name: string): Promise<RouteStatus['conditions'][number] | undefined> {
  const text = cluster.kubectl('get', '-n', NAMESPACE, 'adaptiveroute', name, '-o', 'json');
  return (JSON.parse(text) as { status?: RouteStatus }).status?.conditions.find(({ type }) => type === 'Accepted');
}

async function configured(): Promise<ConfiguredReading> {
  return (await (await weir.ask('/v1/configured')).json()) as ConfiguredReading;
}

const subsetsOf = (name: string) =>
  cluster.kubectl('get', '-n', NAMESPACE, 'destinationrule', name, '-o', 'jsonpath={.spec.subsets[*].name}');

test('versions of pods become backends, come and go, and their subsets follow in order', async () => {
  cluster.apply(route('search', { label: 'version' }));
  await eventually('it to wait', async () => (await accepted('search'))?.reason === 'NoBackends');
  cluster.apply(service('search'), pod('search', 'v1'), pod('search', 'v2'));
  await eventually('both', async () => (await backends('search')).join() === 'v1,v2');
  await eventually('it to be said', async () => (await accepted('search'))?.status === 'True');
  assert.match((await accepted('search'))?.message ?? '', /backends v1, v2 are the values of label version/);
  await eventually('subsets', async () => subsetsOf('weir-search') === 'v1 v2');
  cluster.apply(pod('search', 'v3'));
  await eventually('the new one', async () => (await backends('search')).join() === 'v1,v2,v3');
  cluster.kubectl('delete', 'pod', '-n', NAMESPACE, 'search-v1', '--now');
  await eventually('the old one to go', async () => (await backends('search')).join() === 'v2,v3');
  // The subset stays until no proxy can be sent to it any more.
  await eventually('its subset to stay for now', async () => subsetsOf('weir-search') === 'v2 v3 v1');
  await eventually('its subset to go', async () => subsetsOf('weir-search') === 'v2 v3');
});

test('one backend alone needs nothing written, and what was written goes', async () => {
  cluster.kubectl('delete', 'pod', '-n', NAMESPACE, 'search-v2', '--now');
  await eventually('one to be left', async () => (await backends('search')).join() === 'v3');
  await eventually('the objects to go', async () => {
    const left = cluster.kubectl('get', '-n', NAMESPACE, 'virtualservices,destinationrules', '-o', 'name');
    return left.trim() === '';
  });
});

test('without any the last ones stay in force, and it is said', async () => {
  cluster.kubectl('delete', 'pod', '-n', NAMESPACE, 'search-v3', '--now');
  await eventually('it to be said', async () => (await accepted('search'))?.reason === 'NoBackends');
  assert.equal(await backends('search'), ['v3']);
  assert.match((await accepted('search'))?.message ?? '', /no backend yet.*what was in force before stays/);
});

test('zones of endpoints become backends that know their zone', async () => {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadata('cart-1', { 'kubernetes.io/service-name': 'cart' }),
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80 }],
    endpoints: ['zone-a', 'zone-b'].map((zone, i) => ({ addresses: [`10.1.0.${i + 1}`], zone })),
  };
  cluster.apply(service('cart'), slice, route('cart', { label: 'topology.kubernetes.io/zone' }));
  await eventually('both', async () => (await backends('cart')).join() === 'zone-a,zone-b');
});

test('subsets of a rule of somebody else become backends, and only the VirtualService is written', async () => {
  const subsets = ['blue', 'green'].map((name) => ({ name, labels: { color: name } }));
  cluster.apply(
    service('orders'),
    { apiVersion: ISTIO, kind: 'DestinationRule', metadata: metadata('orders'), spec: { host: 'orders', subsets } },
    route('orders', { destinationRule: 'orders' }),
  );
  await eventually('both', async () => (await backends('orders')).join() === 'blue,green');
  await eventually('its VirtualService', async () =>
    cluster.kubectl('get', '-n', NAMESPACE, 'virtualservices', '-o', 'name').includes('weir-orders'),
  );
  const rules = cluster.kubectl('get', '-n', NAMESPACE, 'destinationrules', '-o', 'jsonpath={.items[*].metadata.name}');
  assert.not.match(rules, 'weir-orders');
});

test('what is configured and not called is named, with what configures it', async () => {
  const { clusters } = await configured();
  const find = (cluster: string) => clusters.find((each) => each.cluster === cluster);
  const host = `orders.${NAMESPACE}.svc.cluster.local`;
  assert.equal(find(`outbound|80|blue|${host}`), {
    ...{ cluster: `outbound|80|blue|${host}`, service: `${host}:80`, backend: 'blue' },
    ...{ by: `DestinationRule ${NAMESPACE}/orders`, isSeen: false, seenMs: null },
  });
  assert.is(find(`outbound|80||${host}`)?.by, `Service ${NAMESPACE}/orders`);
});

test('a controller that starts anew has the backends before it decides', async () => {
  await weir.killController();
  await weir.startController();
  assert.equal(await backends('cart'), ['zone-a', 'zone-b']);
  assert.equal(await backends('orders'), ['blue', 'green']);
});

test('an API server that goes and comes back costs no backend', async () => {
  await cluster.kill();
  assert.equal(await backends('cart'), ['zone-a', 'zone-b']);
  await cluster.serve();
  cluster.apply(pod('search', 'v8'), pod('search', 'v9'));
  await eventually('what is new', async () => (await backends('search')).join() === 'v8,v9');
});

test.run();
