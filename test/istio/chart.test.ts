/** The chart before a real API server: every object is taken, pods keep to the restricted standard, wrong values are refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import {
  chartFolder,
  environmentOf,
  type Rendered,
  renderChart,
  SYSTEM_NAMESPACE,
  selectorOf,
  templateOf,
} from './chart.ts';
import { baseFolder, kustomizeBase } from './kustomize.ts';
import { istioDefinitions, monitorDefinition } from './programs.ts';

const test = suite('the chart before a real API server');

const values: Readonly<Record<string, object>> = {
  'the defaults': {},
  'everything on': {
    controller: { persistence: { enabled: true, storageClassName: 'fast' }, tls: { secretName: 'weir-tls' } },
    filter: { url: 'oci://registry.example.com/weir-filter:0.1.0' },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    dashboard: { enabled: true },
    imagePullSecrets: [{ name: 'registry' }],
    agent: { priorityClassName: 'system-node-critical', podAnnotations: { a: 'b' } },
  },
  'one namespace, looking on': {
    watchNamespace: SYSTEM_NAMESPACE,
    publish: 'off',
    filter: { namespaces: [] },
    networkPolicy: { enabled: false },
    controller: { image: { digest: `sha256:${'0'.repeat(64)}` } },
  },
  'two controllers': { controller: { replicas: 2, affinity: { podAntiAffinity: {} } } },
};

let cluster: ApiServer;

before(test, async () => {
  cluster = await ApiServer.start();
  await cluster.define(istioDefinitions(), join(chartFolder, 'crds'), monitorDefinition());
  cluster.kubectl('create', 'namespace', SYSTEM_NAMESPACE);
  cluster.kubectl('label', 'namespace', SYSTEM_NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted');
});
test.after(() => cluster?.close());

/** @returns what the API server printed, one line an object */
function tryOut(objects: readonly object[]): string {
  const path = join(cluster.folder, 'rendered.json');
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  return cluster.kubectl('create', '--dry-run=server', '--validate=strict', '-f', path);
}

for (const [name, set] of Object.entries(values)) {
  test(`with ${name}, helm finds nothing to complain of and the API server takes every object`, async () => {
    const path = join(cluster.folder, 'set.json');
    writeFileSync(path, JSON.stringify(set));
    assert.match(await cluster.helm('lint', '--strict', chartFolder, '--values', path), '0 chart(s) failed');
    const objects = renderChart(cluster, set);
    assert.is(tryOut(objects).trim().split('\n').length, objects.length);
  });
}

const podOf = ({ metadata, spec }: Rendered): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...spec?.template?.metadata, name: metadata.name, namespace: metadata.namespace },
  spec: { ...spec?.template?.spec },
});

test('the restricted pod security standard lets its pods in, and would not let in others', () => {
  for (const set of Object.values(values)) {
    const pods = renderChart(cluster, set)
      .filter(({ spec }) => spec?.template !== undefined)
      .map(podOf);
    // No class of that name is there to be found out about, nor any account with the admission that would make them.
    const plain = pods.map((pod) =>
      JSON.parse(JSON.stringify(pod).replace('"priorityClassName":"system-node-critical",', '')),
    );
    assert.is(tryOut(plain).trim().split('\n').length, pods.length);
  }
  const [pod] = renderChart(cluster, {})
    .filter(({ kind }) => kind === 'Deployment')
    .map(podOf);
  const rooted = JSON.parse(JSON.stringify(pod).replace('"runAsNonRoot":true', '"runAsNonRoot":false')) as object;
  assert.throws(() => tryOut([rooted]), /violates PodSecurity "restricted/);
});

test('the job that withdraws may run where the controller may', () => {
  const where = { nodeSelector: { pool: 'system' }, tolerations: [{ key: 'pool', operator: 'Exists' }] };
  const objects = renderChart(cluster, { controller: where });
  for (const kind of ['Deployment', 'Job']) {
    const { nodeSelector, tolerations } = templateOf(objects, kind).spec;
    assert.equal({ nodeSelector, tolerations }, where, kind);
  }
});

test('a value that is not there, or cannot be, is refused with a sentence', () => {
  assert.throws(() => renderChart(cluster, { agents: {} }), /agents/);
  assert.throws(() => renderChart(cluster, { controller: { windowMs: 1 } }), /windowMs/);
  const tls = { controller: { tls: { secretName: 'weir-tls' } } };
  assert.throws(() => renderChart(cluster, tls), /give an oci:\/\/ image in filter\.url/);
  const several = { controller: { replicas: 2, persistence: { enabled: true } } };
  assert.throws(() => renderChart(cluster, several), /a volume is mounted by one node alone, so set replicas to 1/);
  assert.throws(() => renderChart(cluster, { controller: { replicas: 0 } }), /replicas/);
  assert.throws(() => renderChart(cluster, { watchNamespace: 'shop' }), /filter\.namespaces must be \[shop\]/);
});

test('the kustomize base is what the chart renders, and the API server takes it whole', () => {
  for (const [name, text] of Object.entries(kustomizeBase(cluster.programs.helm))) {
    assert.is(readFileSync(join(baseFolder, name), 'utf8'), text, `${name}: npm run emit:kustomize writes it anew`);
  }
  const applied = cluster.kubectl('apply', '--dry-run=server', '--server-side', '--validate=strict', '-k', baseFolder);
  assert.match(applied, 'deployment.apps/weir-controller serverside-applied');
});

test('several controllers are sent to by the label of the one that leads, and one alone needs none', () => {
  const selectorWith = (replicas: number) => {
    const objects = renderChart(cluster, { controller: { replicas } });
    const selector = selectorOf(objects, 'weir-controller');
    const isElected = Object.hasOwn(environmentOf(objects, 'Deployment'), 'WEIR_CONTROLLER_LEASE');
    return [
      selector['weir.dev/leader'],
      isElected,
      objects.some(({ metadata }) => metadata.name === 'weir-controller-leader'),
    ];
  };
  assert.equal(selectorWith(1), [undefined, false, false]);
  assert.equal(selectorWith(2), ['true', true, true]);
});

test('the notes say what to do next', async () => {
  const notes = await cluster.helm('install', 'weir', chartFolder, '--dry-run=client', '--namespace', SYSTEM_NAMESPACE);
  assert.match(notes, 'kubectl apply -f - <<EOF');
  assert.match(notes, 'It measures every call there and touches none until a service has a route.');
});

test('every metric of the dashboard is one that the code has', () => {
  const dashboard = readFileSync(join(chartFolder, 'dashboards', 'weir.json'), 'utf8');
  const used = new Set(dashboard.match(/weir_(controller|agent)_[a-z_]+/g));
  const code = ['controller/metrics.ts', 'agent/metrics.ts'].map((path) =>
    readFileSync(join(chartFolder, '..', '..', '..', path), 'utf8'),
  );
  for (const name of used) {
    const short = name.replace(/^weir_(controller|agent)_/, '').replace(/_bucket$/, '');
    assert.ok(
      code.some((text) => text.includes(`'${short}'`) || text.includes(`'${name.replace(/_bucket$/, '')}'`)),
      `${name} is on the dashboard and in no metrics.ts`,
    );
  }
  assert.ok(used.size > 15);
});

test.run();
