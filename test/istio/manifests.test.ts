/** What `weir generate` writes, before a real API server with Istio's own definitions: every object is taken as it is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildRoot } from '../../deploy/local/root.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { istioDefinitions, kedaDefinition } from './programs.ts';

const test = suite('manifests before a real API server');
const ROUTES = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: payments }
spec:
  host: payments
  port: 80
  backends:
    - { name: v1, labels: { version: v1 }, weight: 9000 }
    - { name: v2, labels: { version: v2 }, weight: 1000 }
---
apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search }
spec: { host: search.example.com, port: 8080, backends: [{ name: a }, { name: b }, { name: c }] }
`;

let cluster: ApiServer;

before(test, async () => {
  cluster = await ApiServer.start();
  await cluster.define(istioDefinitions(), kedaDefinition());
});
test.after(() => cluster?.close());

/** Of a route with a backend that is scaled. */
const SCALED = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: cart }
spec:
  host: cart
  port: 80
  backends:
    - { name: v1, scale: { deployment: cart-v1, rpsPerReplica: 12.5, minReplicas: 3, maxReplicas: 20 } }
    - { name: v2 }
`;

function generate(routes: string, folder: string): void {
  execFileSync(process.execPath, [
    join(buildRoot, 'controller', 'cli', 'main.js'),
    'generate',
    '--from',
    routes,
    '-o',
    folder,
  ]);
}

test('every object is taken, with no field unknown and nothing changed', () => {
  const routes = join(cluster.folder, 'routes.yaml');
  writeFileSync(routes, ROUTES);
  const folder = join(cluster.folder, 'manifests');
  generate(routes, folder);
  const applied = cluster.kubectl('apply', '--server-side', '--validate=strict', '-f', folder).trim().split('\n');
  assert.equal(applied, [
    'destinationrule.networking.istio.io/weir-payments serverside-applied',
    'virtualservice.networking.istio.io/weir-payments serverside-applied',
    'destinationrule.networking.istio.io/weir-search serverside-applied',
    'virtualservice.networking.istio.io/weir-search serverside-applied',
  ]);
  // `kubectl diff` exits with 1 where the cluster has something else than the files.
  assert.is(cluster.kubectl('diff', '--server-side', '-f', folder), '');
  const weights = cluster.kubectl('get', 'vs', 'weir-payments', '-o', 'jsonpath={.spec.http[2].route[*].weight}');
  assert.is(weights, '9000 1000');
});

test('a ScaledObject is taken under the definition of KEDA, with no field unknown', () => {
  const routes = join(cluster.folder, 'scaled.yaml');
  writeFileSync(routes, SCALED);
  const folder = join(cluster.folder, 'scaled');
  generate(routes, folder);
  const path = join(folder, 'default_cart_scaling.yaml');
  const dryRun = () =>
    cluster.kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '-o', 'json', '-f', path);
  const { spec } = JSON.parse(dryRun()) as {
    spec: { triggers: { metadata: { url: string } }[]; minReplicaCount: number };
  };
  assert.is(spec.minReplicaCount, 3);
  assert.is(
    spec.triggers[0]?.metadata.url,
    'http://weir-controller.weir-system.svc.cluster.local:15900/v1/demand?service=cart.default.svc.cluster.local%3A80&backend=v1',
  );
  writeFileSync(path, readFileSync(path, 'utf8').replace('maxReplicaCount', 'maxReplicas'));
  assert.throws(dryRun, /spec\.maxReplicas/);
});

/** What is in the cluster that they are about: a Service, and a pod of each subset. */
function surroundings(): string {
  const services = [{ host: 'payments', port: 80, labels: [{ version: 'v1' }, { version: 'v2' }] }];
  const metadata = (name: string, labels: Readonly<Record<string, string>>) => ({
    ...{ name, namespace: 'default' },
    labels: { ...labels, 'istio-injection': 'enabled' },
  });
  return services
    .flatMap(({ host, port, labels }) => [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: metadata(host, { app: host }),
        spec: { selector: { app: host }, ports: [{ name: 'http', port, targetPort: 8080 }] },
      },
      ...labels.map((each, i) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: metadata(`${host}-${i}`, { app: host, ...each }),
        spec: {
          containers: [
            { name: 'app', image: 'app' },
            { name: 'istio-proxy', image: 'proxyv2' },
          ],
        },
      })),
    ])
    .map((object) => `---\n${JSON.stringify(object)}\n`)
    .join('');
}

test('weir diff shows what would change, and nothing once it is there', () => {
  const routes = join(cluster.folder, 'changed.yaml');
  const diff = () =>
    spawnSync(process.execPath, [join(buildRoot, 'controller', 'cli', 'main.js'), 'diff', '--from', routes], {
      encoding: 'utf8',
      env: { ...process.env, KUBECONFIG: join(cluster.folder, 'kubeconfig') },
    });
  const payments = (ROUTES.split('---')[0] ?? '').replaceAll('name: payments', 'name: refunds');
  writeFileSync(routes, payments);
  const fresh = diff();
  assert.is(fresh.status, 1);
  assert.match(fresh.stdout, '+kind: VirtualService');
  const folder = join(cluster.folder, 'changed');
  generate(routes, folder);
  cluster.kubectl('apply', '--server-side', '--field-manager=weir', '-f', folder);
  assert.equal([diff().status, diff().stdout], [0, '']);
  writeFileSync(routes, payments.replace('weight: 9000', 'weight: 8000').replace('weight: 1000', 'weight: 2000'));
  const moved = diff();
  assert.match(moved.stdout, /-\s+weight: 9000/);
  assert.match(moved.stdout, /\+\s+weight: 8000/);
  writeFileSync(routes, SCALED);
  assert.match(diff().stdout, '+kind: ScaledObject');
});

test('istioctl has nothing to say against them', () => {
  const folder = join(cluster.folder, 'analysed');
  const routes = join(cluster.folder, 'payments.yaml');
  writeFileSync(routes, ROUTES.split('---')[0] ?? '');
  generate(routes, folder);
  writeFileSync(join(folder, 'surroundings.yaml'), surroundings());
  const analyse = () =>
    spawnSync(cluster.programs.istioctl, ['analyze', '--use-kube=false', '--failure-threshold', 'Info', folder], {
      encoding: 'utf8',
    });
  const { status, stdout, stderr } = analyse();
  assert.equal([status, stdout.trim()], [0, ''], stdout + stderr);
  const path = join(folder, 'default_payments.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('subset: v2', 'subset: v9'));
  assert.match(analyse().stdout, /IST0101.*payments\.default\.svc\.cluster\.local\+v9/, 'it looks at them at all');
});

test.run();
