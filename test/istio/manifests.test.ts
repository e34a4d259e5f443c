/** What `weir generate` writes, before a real API server with Istio's own definitions: every object is taken as it is. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildRoot } from '../../deploy/local/root.ts';
import { ApiServer } from './api-server.ts';
import { istioDefinitions } from './programs.ts';

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

test.before(async () => {
  cluster = await ApiServer.start();
  cluster.kubectl('apply', '--server-side', '-f', istioDefinitions());
  cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
});
test.after(() => cluster?.close());

test('every object is taken, with no field unknown and nothing changed', () => {
  const routes = join(cluster.folder, 'routes.yaml');
  writeFileSync(routes, ROUTES);
  const folder = join(cluster.folder, 'manifests');
  execFileSync(process.execPath, [
    join(buildRoot, 'controller', 'cli', 'main.js'),
    'generate',
    '--from',
    routes,
    '-o',
    folder,
  ]);
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

test.run();
