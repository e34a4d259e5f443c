/** Publishing to a real API server: what is ours, what is somebody else's, and who goes after whom. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { CustomObjectsApi } from '@kubernetes/client-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { manifestsOf } from '../../controller/generate/manifests.ts';
import { sayFailure } from '../../controller/intake/api-server.ts';
import { makeLog } from '../../controller/log.ts';
import { Attacher } from '../../controller/publish/attach.ts';
import { Cluster } from '../../controller/publish/kubernetes.ts';
import { Objects } from '../../controller/publish/objects.ts';
import type { Plan } from '../../controller/publish/plan.ts';
import { Publisher } from '../../controller/publish/publisher.ts';
import type { PublishNews } from '../../controller/routes/source.ts';
import { buildRoot } from '../../deploy/local/root.ts';
import { oneRoute } from '../controller/routes/one-route.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { chartFolder } from './chart.ts';
import { eventually } from './eventually.ts';
import { istioDefinitions } from './programs.ts';

const test = suite('publishing to a real API server');

let cluster: ApiServer;

before(test, async () => {
  cluster = await ApiServer.start();
  await cluster.define(istioDefinitions(), join(chartFolder, 'crds'));
});
test.after(() => cluster?.close());

const documentOf = (name: string) => ({
  apiVersion: 'weir.dev/v1alpha1',
  kind: 'AdaptiveRoute',
  metadata: { name, namespace: 'default' },
  spec: { host: name, port: 80, backends: [{ name: 'v1' }, { name: 'v2' }] },
});

function planOf(name: string, v1 = 5_000): Plan {
  const route = oneRoute(documentOf(name));
  return { route, weights: { v1, v2: 10_000 - v1 } };
}

/** A publisher whose clock is moved by the test. */
class Rig {
  nowMs = 0;
  private readonly publisher = new Publisher({
    place: new Cluster(new Objects(cluster.kubeConfig.makeApiClient(CustomObjectsApi)), undefined),
    log: makeLog('silent'),
    count: () => {},
    explain: (error) => sayFailure(error, 'VirtualServices and DestinationRules'),
  });

  async round(plans: readonly Plan[], afterS = 60): Promise<void> {
    this.nowMs += afterS * 1_000;
    let isAsked = false;
    await eventually('a round', async () => {
      this.publisher.tell(() => {
        isAsked = true;
        return plans;
      }, this.nowMs);
      return isAsked;
    });
    // It is over when the next one may begin.
    let isOver = false;
    this.nowMs += 5_000;
    await eventually('the round to end', async () => {
      this.publisher.tell(() => {
        isOver = true;
        return plans;
      }, this.nowMs);
      return isOver;
    });
  }

  stateOf(name: string): PublishNews | undefined {
    return this.publisher.stateOf(`default/${name}`);
  }
}

const read = (kind: string, name: string, path: string) => cluster.kubectl('get', kind, name, '-o', `jsonpath=${path}`);

test('the service is owned by its route, the rule by nobody; plain weights follow', async () => {
  cluster.apply(documentOf('search'));
  const rig = new Rig();
  await rig.round([planOf('search')]);
  assert.is(rig.stateOf('search')?.reason, 'Published', rig.stateOf('search')?.message);
  const owner = '{.metadata.ownerReferences[0].kind} {.metadata.ownerReferences[0].name}';
  assert.is(read('virtualservice', 'weir-search', owner), 'AdaptiveRoute search');
  assert.is(read('destinationrule', 'weir-search', owner).trim(), '');
  assert.match(read('virtualservice', 'weir-search', '{.metadata.managedFields[*].manager}'), /^weir$/);
  await rig.round([planOf('search', 9_000)]);
  assert.is(read('virtualservice', 'weir-search', '{.spec.http[2].route[*].weight}'), '9000 1000');
});

test('a rule that an earlier Weir gave an owner has none any more', async () => {
  const objects = new Objects(cluster.kubeConfig.makeApiClient(CustomObjectsApi));
  const { route, weights } = planOf('search');
  const rule = manifestsOf(route, weights).find(({ kind }) => kind === 'DestinationRule');
  assert.ok(rule);
  const uid = read('virtualservice', 'weir-search', '{.metadata.uid}');
  const apiVersion = 'networking.istio.io/v1beta1';
  const owner = { apiVersion, kind: 'VirtualService', name: 'weir-search', uid };
  const { metadata } = await objects.apply(rule, { owner });
  assert.equal((metadata as { ownerReferences?: unknown }).ownerReferences, [owner]);
  await new Rig().round([planOf('search')]);
  assert.is(read('destinationrule', 'weir-search', '{.metadata.ownerReferences}'), '');
});

test('weights that another manager has taken stay theirs, and the other routes go on', async () => {
  cluster.apply(documentOf('cart'));
  const rig = new Rig();
  await rig.round([planOf('cart')]);
  const path = '/spec/http/2/route/0/weight';
  const patch = JSON.stringify([{ op: 'replace', path, value: 1 }]);
  cluster.kubectl('patch', 'vs', 'weir-cart', '--type=json', '-p', patch, '--field-manager=argo');
  await rig.round([planOf('cart', 9_000), planOf('later')]);
  assert.is(rig.stateOf('cart')?.reason, 'Conflict');
  assert.match(rig.stateOf('cart')?.message ?? '', /VirtualService default\/weir-cart.*argo.*\.spec\.http/);
  assert.is(rig.stateOf('later')?.reason, 'Published');
  assert.is(read('vs', 'weir-cart', '{.spec.http[2].route[0].weight}'), '1');
  cluster.kubectl('delete', 'vs', 'weir-cart');
  await rig.round([planOf('cart', 9_000), planOf('later')]);
  assert.is(rig.stateOf('cart')?.reason, 'Published');
  assert.is(read('vs', 'weir-cart', '{.spec.http[2].route[0].weight}'), '9000');
});

test('an object of our name that is not ours stays as it is', async () => {
  const metadata = { name: 'weir-stock', namespace: 'default' };
  const api = { apiVersion: 'networking.istio.io/v1beta1', kind: 'DestinationRule' };
  cluster.apply({ ...api, metadata, spec: { host: 'elsewhere' } });
  const rig = new Rig();
  await rig.round([planOf('stock')]);
  assert.is(rig.stateOf('stock')?.reason, 'NotOurs');
  assert.is(read('destinationrule', 'weir-stock', '{.spec.host}'), 'elsewhere');
});

test('a host that another VirtualService routes is left to it', async () => {
  cluster.apply({
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'VirtualService',
    metadata: { name: 'by-hand', namespace: 'default' },
    spec: { hosts: ['ads'], http: [{ route: [{ destination: { host: 'ads' } }] }] },
  });
  const rig = new Rig();
  await rig.round([planOf('ads')]);
  assert.is(rig.stateOf('ads')?.reason, 'HostTaken');
  assert.match(rig.stateOf('ads')?.message ?? '', /VirtualService default\/by-hand routes ads\.default\.svc/);
  assert.not.match(cluster.kubectl('get', 'vs,dr', '-o', 'name'), 'weir-ads');
  cluster.kubectl('delete', 'vs', 'by-hand');
  await rig.round([planOf('ads')]);
  assert.is(rig.stateOf('ads')?.reason, 'Published');
});

test('a VirtualService that is named for adoption is changed, followed, and given back as it was', async () => {
  const api = { apiVersion: 'networking.istio.io/v1beta1' };
  const metadata = { name: 'orders', namespace: 'default' };
  const to = (subset: string) => ({ destination: { host: 'orders', subset } });
  const http = [
    {
      timeout: '3s',
      route: [
        { ...to('v1'), weight: 90 },
        { ...to('v2'), weight: 10 },
      ],
    },
  ];
  const subsets = ['v1', 'v2'].map((name) => ({ name, labels: { version: name } }));
  cluster.apply({ ...api, kind: 'VirtualService', metadata, spec: { hosts: ['orders'], http } });
  cluster.apply({ ...api, kind: 'DestinationRule', metadata, spec: { host: 'orders', subsets } });
  const document = documentOf('orders');
  const adopting = { ...document, spec: { ...document.spec, adopt: { virtualService: 'orders' } } };
  cluster.apply(adopting);
  const route = oneRoute(adopting);
  const plan = (v1: number): Plan => ({ route, weights: { v1, v2: 10_000 - v1 } });
  const httpNow = () => JSON.parse(read('vs', 'orders', '{.spec.http}')) as { name?: string; timeout: string }[];
  const weightsNow = () => read('vs', 'orders', '{.spec.http[2].route[*].weight}');
  const rig = new Rig();
  await rig.round([plan(9_000)]);
  assert.is(rig.stateOf('orders')?.reason, 'Published', rig.stateOf('orders')?.message);
  assert.equal(
    httpNow().map(({ name, timeout }) => [name, timeout]),
    [
      ['weir-v1-1', '3s'],
      ['weir-v2-1', '3s'],
      [undefined, '3s'],
    ],
  );
  assert.is(weightsNow(), '9000 1000');
  assert.not.match(cluster.kubectl('get', 'dr', '-o', 'name'), 'weir-orders', 'its subsets are there already');
  await rig.round([plan(5_000)]);
  assert.is(weightsNow(), '5000 5000');
  const path = '/spec/http/2/route/0/weight';
  const patch = JSON.stringify([{ op: 'replace', path, value: 1 }]);
  cluster.kubectl('patch', 'vs', 'orders', '--type=json', '-p', patch, '--field-manager=argo');
  await rig.round([plan(9_000)]);
  assert.is(rig.stateOf('orders')?.reason, 'Conflict');
  assert.is(weightsNow(), '1 5000');
  cluster.kubectl('delete', 'adaptiveroute', 'orders');
  await rig.round([]);
  assert.equal(httpNow() as unknown, http);
  assert.not.match(read('vs', 'orders', '{.metadata.labels}{.metadata.annotations}'), 'weir.dev');
});

test('a route that comes to adopt a VirtualService gives up its own', async () => {
  const document = documentOf('fees');
  cluster.apply(document);
  const rig = new Rig();
  await rig.round([planOf('fees')]);
  const names = () => cluster.kubectl('get', 'vs', '-o', 'name');
  assert.match(names(), 'weir-fees');
  cluster.apply({
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'VirtualService',
    metadata: { name: 'fees', namespace: 'default' },
    spec: { hosts: ['fees'], http: [{ route: [{ destination: { host: 'fees' } }] }] },
  });
  const adopting = { ...document, spec: { ...document.spec, adopt: { virtualService: 'fees' } } };
  cluster.apply(adopting);
  const route = oneRoute(adopting);
  await rig.round([{ route, weights: { v1: 5_000, v2: 5_000 } }]);
  assert.is(rig.stateOf('fees')?.reason, 'Published', rig.stateOf('fees')?.message);
  assert.not.match(names(), 'weir-fees');
  assert.match(cluster.kubectl('get', 'dr', '-o', 'name'), 'weir-fees', 'its subsets are needed');
});

test('what is left over goes, but not that of a route which stands in the cluster to be enforced', async () => {
  cluster.apply(documentOf('kept'));
  const first = new Rig();
  await first.round([planOf('kept'), planOf('gone')]);
  const names = () => cluster.kubectl('get', 'vs,dr', '-o', 'name');
  assert.match(names(), 'weir-gone');
  const second = new Rig();
  await second.round([]);
  assert.not.match(names(), 'virtualservice.networking.istio.io/weir-gone');
  await second.round([], 10);
  await second.round([], 10);
  assert.not.match(names(), 'weir-gone');
  assert.match(names(), 'virtualservice.networking.istio.io/weir-kept');
  const spec = { ...documentOf('kept').spec, mode: 'recommend' };
  cluster.apply({ ...documentOf('kept'), spec });
  const third = new Rig();
  await third.round([]);
  await third.round([], 10);
  await third.round([], 10);
  assert.not.match(names(), 'weir-kept');
});

test('the filter is attached where it is asked for, and detached elsewhere', async () => {
  cluster.kubectl('create', 'namespace', 'web');
  cluster.kubectl('create', 'namespace', 'batch');
  const lines: string[] = [];
  const plugin = {
    url: `http://weir-controller.weir-system.svc.cluster.local:15900/v1/filter/${'0'.repeat(64)}.wasm`,
    sha256: '0'.repeat(64),
    agentHost: 'weir-agent.weir-system.svc.cluster.local',
    agentPort: 15_990,
  };
  const attacher = (namespaces: readonly string[]) =>
    new Attacher({
      ...{ namespaces, plugin, scope: undefined },
      objects: new Objects(cluster.kubeConfig.makeApiClient(CustomObjectsApi)),
      log: makeLog('info', { write: (line) => void lines.push((JSON.parse(line) as { msg: string }).msg) }),
      explain: (error) => sayFailure(error, 'WasmPlugins'),
    });
  const first = attacher(['web', 'batch']);
  first.tell(0);
  await first.close();
  const read = (path: string) => cluster.kubectl('get', 'wasmplugin', 'weir', '-n', 'web', '-o', `jsonpath=${path}`);
  assert.is(read('{.spec.sha256} {.spec.failStrategy} {.spec.match[0].mode}'), `${plugin.sha256} FAIL_OPEN CLIENT`);
  assert.is(read('{.spec.pluginConfig.agent_cluster}'), 'outbound|15990||weir-agent.weir-system.svc.cluster.local');
  const second = attacher(['web', 'nowhere']);
  second.tell(0);
  await second.close();
  const names = cluster.kubectl('get', 'wasmplugins', '-A', '-o', 'jsonpath={.items[*].metadata.namespace}');
  assert.is(names, 'web');
  assert.ok(lines.includes('the filter is detached from namespace batch'));
  assert.ok(lines.some((line) => line.startsWith('the filter is not attached to namespace nowhere:')));
});

test('weir withdraw names what would go, and takes all of it away', () => {
  const weir = (...args: readonly string[]) =>
    execFileSync(process.execPath, [join(buildRoot, 'controller', 'cli', 'main.js'), 'withdraw', ...args], {
      encoding: 'utf8',
      env: { ...process.env, KUBECONFIG: join(cluster.folder, 'kubeconfig') },
    });
  const names = () => cluster.kubectl('get', 'wasmplugins,vs,dr', '-A', '-o', 'name').trim().split('\n');
  const before = names();
  assert.match(weir(), 'would go: WasmPlugin web/weir');
  assert.equal(names(), before);
  assert.match(weir('--yes'), 'gone: VirtualService default/weir-search');
  const others = [
    ...['fees', 'orders'].map((name) => `virtualservice.networking.istio.io/${name}`),
    'destinationrule.networking.istio.io/orders',
  ];
  assert.equal(names(), [...others, 'destinationrule.networking.istio.io/weir-stock'], 'which somebody else has made');
  cluster.kubectl('delete', 'crd', 'wasmplugins.extensions.istio.io', 'virtualservices.networking.istio.io');
  assert.match(weir('--yes'), 'there is nothing of Weir in the cluster', "where Istio's definitions went first");
});

test.run();
