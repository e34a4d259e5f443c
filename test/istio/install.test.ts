/**
 * Weir as a cluster's owner has it: installed by helm, its pods made by Kubernetes' controllers, drained, upgraded, uninstalled. Only the
 * kubelet is a stand-in (`kubelet.ts`).
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { chartFolder, SYSTEM_NAMESPACE } from './chart.ts';
import { eventually } from './eventually.ts';
import { ROOT_NAMESPACE } from './istiod.ts';
import { Kubelet } from './kubelet.ts';
import { istioDefinitions } from './programs.ts';
import { byEndpoints, serveAs } from './service.ts';

const test = suite('helm install, upgrade and uninstall in a cluster whose controllers run');
const NODE = 'node-1';
const NAMESPACE = 'shop';
const RELEASE = ['weir', '--namespace', SYSTEM_NAMESPACE];
const WAIT = ['--wait', '--timeout', '60s'];
const ISTIO = 'networking.istio.io/v1beta1';
/** The rules of what is adopted, before. */
const ORDERS = [{ timeout: '3s', route: [{ destination: { host: 'orders' }, weight: 100 }] }];

let cluster: ApiServer;
let kubelet: Kubelet;
let url = '';
let endService = () => {};

before(test, async () => {
  cluster = await ApiServer.start({ hasControllers: true });
  await cluster.define(istioDefinitions());
  for (const name of [SYSTEM_NAMESPACE, NAMESPACE, ROOT_NAMESPACE]) cluster.kubectl('create', 'namespace', name);
  cluster.kubectl('label', 'namespace', SYSTEM_NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
  const [port = 0] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  kubelet = await Kubelet.start(cluster, NODE, {
    [`weir-controller.${SYSTEM_NAMESPACE}.svc:15900`]: `127.0.0.1:${port}`,
  });
  endService = await serveAs(port, byEndpoints(cluster, 'weir-controller', kubelet.ports));
});
test.after(async () => {
  endService();
  await kubelet?.close();
  await cluster?.close();
});

/** What kubectl finds at a path. */
const read = (path: string, ...what: readonly string[]) => cluster.kubectl('get', ...what, '-o', `jsonpath=${path}`);
const ofWeir = (path: string, ...what: readonly string[]) => read(path, '--namespace', SYSTEM_NAMESPACE, ...what);
const ofShop = (path: string, ...what: readonly string[]) => read(path, '--namespace', NAMESPACE, ...what);
const services = () => ofShop('{.items[*].metadata.name}', 'virtualservices');
const rules = () => ofShop('{.items[*].metadata.name}', 'destinationrules');
const ordersRules = () => JSON.parse(ofShop('{.spec.http}', 'virtualservice', 'orders')) as unknown;

function routeOf(name: string, spec: object = {}): object {
  const backends = ['v1', 'v2'].map((version) => ({ name: version, labels: { version } }));
  return {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name, namespace: NAMESPACE },
    spec: { host: name, port: 80, backends, ...spec },
  };
}

/** A route of its own objects, and one that adopts. */
async function publishRoutes(): Promise<void> {
  cluster.apply(routeOf('search'), routeOf('orders', { adopt: { virtualService: 'orders' } }));
  await eventually('both routes to be published', async () => {
    const path = '{.items[*].status.conditions[?(@.type=="Published")].reason}';
    return ofShop(path, 'adaptiveroutes') === 'Published Published';
  });
}

async function agents(): Promise<readonly string[]> {
  const answer = await fetch(`${url}/v1/agents`, { signal: AbortSignal.timeout(5_000) });
  return ((await answer.json()) as { agents: { agentId: string }[] }).agents.map(({ agentId }) => agentId);
}

test('helm installs it: its pods keep to the restricted standard, are ready, and have the tokens that they need', async () => {
  const said = await cluster.helm('install', ...RELEASE, chartFolder, ...WAIT);
  assert.match(said, 'STATUS: deployed');
  assert.is(ofWeir('{.status.availableReplicas}', 'deployment', 'weir-controller'), '1');
  assert.is(ofWeir('{.status.numberReady}', 'daemonset', 'weir-agent'), '1');
  const audiences = '{.items[0].spec.volumes[*].projected.sources[*].serviceAccountToken.audience}';
  const mounts = '{.items[0].spec.volumes[*].name}';
  const component = (name: string) => ['pods', '--selector', `app.kubernetes.io/component=${name}`];
  assert.is(ofWeir(audiences, ...component('agent')), 'weir');
  assert.is(ofWeir(mounts, ...component('agent')), 'state token');
  assert.match(ofWeir(mounts, ...component('controller')), /^store kube-api-access-\w+$/);
  await eventually('the agent to be let in, by the Service and its token', async () => (await agents())[0] === NODE);
});

test('whoever may edit a namespace may edit its routes', async () => {
  cluster.kubectl('create', 'rolebinding', 'ann', '--clusterrole=edit', '--user=ann', '--namespace', NAMESPACE);
  const may = (verb: string) =>
    cluster.kubectl('auth', 'can-i', verb, 'adaptiveroutes.weir.dev', '--as=ann', '--namespace', NAMESPACE);
  await eventually('the roles to be added up', async () => may('create').trim() === 'yes');
});

test('a route is accepted and published, and the filter is attached once the controller serves it', async () => {
  cluster.apply({
    apiVersion: ISTIO,
    kind: 'VirtualService',
    metadata: { name: 'orders', namespace: NAMESPACE },
    spec: { hosts: ['orders'], http: ORDERS },
  });
  await publishRoutes();
  assert.match(cluster.kubectl('get', 'adaptiveroutes', '-n', NAMESPACE), /search +search +enforce +True/);
  assert.equal([services(), rules()], ['orders weir-search', 'weir-orders weir-search']);
  assert.not.equal(ordersRules(), ORDERS);
  const plugin = () => read('{.spec.url}', 'wasmplugin', 'weir', '-n', ROOT_NAMESPACE);
  await eventually('the filter to be attached', async () =>
    plugin().startsWith('http://weir-controller.weir-system.svc.cluster.local:15900/'),
  );
});

test('an upgrade ends the controller before the next one begins, and what is published stays as it is', async () => {
  const generations = () =>
    ofShop('{.items[*].metadata.uid} {.items[*].metadata.generation}', 'virtualservices,destinationrules');
  const generationsBefore = generations();
  await cluster.helm('upgrade', ...RELEASE, chartFolder, '--set', 'controller.resources.requests.cpu=200m', ...WAIT);
  const [first, second, ...more] = kubelet.lives.filter(({ container }) => container === 'controller');
  assert.is(more.length, 0);
  assert.ok((first?.endedMs ?? Number.NaN) < (second?.startedMs ?? Number.NaN));
  await eventually('the agent to be back', async () => (await agents())[0] === NODE);
  assert.is(generations(), generationsBefore);
});

test('a node may be drained; without a controller what a deleted route owned goes, and with the next one the rest', async () => {
  await cluster.kubectlMeanwhile('drain', NODE, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s');
  cluster.kubectl('delete', 'adaptiveroutes', '--all', '--namespace', NAMESPACE);
  await eventually('its VirtualService to be collected', async () => services() === 'orders');
  assert.not.equal(ordersRules(), ORDERS);
  assert.is(rules(), 'weir-orders weir-search', 'proxies may still be told of its subsets');
  assert.is(read('{.items[*].metadata.name}', 'wasmplugins', '-n', ROOT_NAMESPACE), 'weir', 'it belongs to no route');
  cluster.kubectl('uncordon', NODE);
  await eventually('the adopted to be given back', async () => isDeepStrictEqual(ordersRules(), ORDERS));
});

test('an upgrade to two: one leads and is found by the Service', async () => {
  await publishRoutes();
  await cluster.helm('upgrade', ...RELEASE, chartFolder, '--set', 'controller.replicas=2', ...WAIT);
  const leaders = () => ofWeir('{.items[*].metadata.name}', 'pods', '--selector', 'weir.dev/leader=true').split(' ');
  await eventually('one to lead', async () => {
    const [leader = '', ...others] = leaders();
    return others.length === 0 && ofWeir('{.spec.holderIdentity}', 'lease', 'weir-controller').startsWith(`${leader}_`);
  });
  await eventually('the agent to be back', async () => (await agents())[0] === NODE);
});

test('helm uninstalls it, though a route changes meanwhile, and nothing is left but routes and their definition', async () => {
  const uninstalling = cluster.helm('uninstall', ...RELEASE, ...WAIT);
  await eventually('a VirtualService to be withdrawn', async () => services() === 'orders');
  assert.is(rules(), 'weir-orders weir-search', 'they go once no proxy names their subsets');
  // A controller that still ran would write anew what names them.
  cluster.apply(routeOf('search', { objective: { latencyMs: 100 } }));
  assert.match(await uninstalling, 'release "weir" uninstalled');
  assert.equal([services(), rules()], ['orders', '']);
  assert.equal(ordersRules(), ORDERS);
  assert.equal(whatIsLeft(), [
    'adaptiveroute.weir.dev/orders',
    'adaptiveroute.weir.dev/search',
    'apiservice.apiregistration.k8s.io/v1alpha1.weir.dev',
    'customresourcedefinition.apiextensions.k8s.io/adaptiveroutes.weir.dev',
    'namespace/weir-system',
  ]);
  const [withdraw, ...others] = kubelet.lives.filter(({ container }) => container === 'withdraw');
  assert.is(others.length, 0, 'it succeeds at the first go');
  const said = readFileSync(kubelet.logOf(withdraw?.pod ?? ''), 'utf8');
  assert.match(said, /^stopped: Deployment weir-system\/weir-controller\ngone: WasmPlugin istio-system\/weir\n/);
});

/** Whatever has Weir in its name, of every kind that the API server knows; of events nobody is the owner. */
function whatIsLeft(): readonly string[] {
  const kinds = cluster.kubectl('api-resources', '--verbs=list', '--output=name').trim().split('\n');
  const lasting = kinds.filter((kind) => !/^(events|componentstatuses)/.test(kind)).join();
  const all = cluster.kubectl('get', lasting, '--all-namespaces', '--output=name').split('\n');
  return all.filter((name) => name.includes('weir')).sort();
}

test.run();
