/** Who calls whom: edges, their shares, and that there is an end to them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildDirectory } from '../../../controller/graph/directory.ts';
import { MAX_EDGES, Mesh } from '../../../controller/graph/mesh.ts';
import { parseRoutes } from '../../../controller/routes/parse.ts';
import type { EdgeReport } from '../../../controller/wire/messages.ts';

const directory = buildDirectory(
  parseRoutes(
    `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search }
spec:
  host: search.demo
  port: 80
  backends: [{ name: v1, cluster: search-v1 }, { name: v2, cluster: search-v2 }]
  entryClusters: [search]
`,
    'search.yaml',
  ),
);

const edge = (cluster: string, calls: number, more: Partial<EdgeReport> = {}): EdgeReport => ({
  caller: { workload: 'web', namespace: 'demo', zone: 'zone-a', node: 'node-1' },
  cluster,
  arm: 'stable',
  trialId: 0,
  outcomes: [calls, 0, 0, 0, 0, 0],
  retries: 0,
  inFlight: 2,
  latencySumUs: 0,
  latency: [20_000, calls],
  ...more,
});

const near = (actual: number | undefined, expected: number, within: number) =>
  assert.ok(Math.abs((actual ?? Number.NaN) / expected - 1) < within, `${actual} is not ${expected}`);

test('the directory says which service and backend a cluster stands for', () => {
  assert.equal(
    ['search-v1', 'search', 'other'].map((cluster) => directory.get(cluster)),
    [{ service: 'search.demo:80', backend: 'v1' }, { service: 'search.demo:80' }, undefined],
  );
});

test("a caller's shares of a service sum to 1, whichever way its calls go", () => {
  const mesh = new Mesh();
  const elsewhere = { caller: { workload: 'web', namespace: 'demo', zone: 'zone-b', node: 'node-2' } };
  mesh.observe(edge('search-v1', 60), 1_000, 1_000);
  mesh.observe(edge('search-v2', 30), 1_000, 1_000);
  mesh.observe(edge('search', 10), 1_000, 1_000);
  mesh.observe(edge('mail', 5), 1_000, 1_000);
  mesh.observe(edge('search-v2', 7, elsewhere), 1_000, 1_000);
  const { nodes, edges } = mesh.view(directory, 1_000);
  const shares = edges.map(({ cluster, caller, share }) => `${cluster} ${caller.zone} ${share.toFixed(3)}`);
  assert.equal(shares, [
    'search-v1 zone-a 0.600',
    'search-v2 zone-a 0.300',
    'search zone-a 0.100',
    'mail zone-a 1.000',
    'search-v2 zone-b 1.000',
  ]);
  assert.equal(nodes, [
    { name: 'demo/web', kind: 'workload' },
    { name: 'search.demo:80', kind: 'service' },
    { name: 'mail', kind: 'service' },
  ]);
});

test('arms and nodes of one workload are one edge', () => {
  const mesh = new Mesh();
  for (let second = 1; second <= 60; second++) {
    mesh.observe(edge('search-v1', 20), 1_000, second * 1_000);
    mesh.observe(edge('search-v1', 20, { arm: 'trial', trialId: 3, inFlight: 0 }), 1_000, second * 1_000);
    // Another node reports when it pleases.
    const caller = { workload: 'web', namespace: 'demo', zone: 'zone-a', node: 'node-2' };
    mesh.observe(edge('search-v1', 40, { caller }), 1_000, second * 1_000 + 370);
  }
  const { edges } = mesh.view(directory, 60_370);
  assert.is(edges.length, 1);
  near(edges[0]?.loadRps, 80, 0.03);
  near(edges[0]?.inFlight, 4, 0.05);
  near(edges[0]?.p99Ms, 20, 0.054);
});

test('silence before a window is silence, and not part of the window', () => {
  const mesh = new Mesh();
  for (let second = 1; second <= 60; second++) mesh.observe(edge('search-v1', 10), 1_000, second * 1_000);
  // Agents leave out an edge without calls: nothing for a minute, then one busy second.
  mesh.observe(edge('search-v1', 1_000), 1_000, 120_000);
  near(mesh.view(directory, 120_000).edges[0]?.loadRps, 1_000 * (1 - 2 ** -0.1), 0.02);
});

test('edges are bounded, those without room are counted once each, and the silent make room', () => {
  const mesh = new Mesh();
  for (let i = 0; i < MAX_EDGES; i++) mesh.observe(edge(`c${i}`, 1), 1_000, 1_000);
  for (let second = 1; second <= 3; second++) {
    mesh.observe(edge('late-1', 1), 1_000, second * 1_000);
    mesh.observe(edge('late-2', 1), 1_000, second * 1_000);
  }
  mesh.observe(edge('c7', 1), 1_000, 300_000);
  const full = mesh.view(new Map(), 300_000);
  assert.is(full.edges.length, MAX_EDGES);
  assert.is(full.untrackedEdges, 2);
  mesh.prune(601_000);
  assert.is(mesh.view(new Map(), 601_000).edges.length, MAX_EDGES, 'ten minutes are not over');
  mesh.prune(605_000);
  mesh.observe(edge('late-1', 1), 1_000, 605_000);
  const after = mesh.view(new Map(), 605_000);
  assert.equal(
    after.edges.map(({ cluster }) => cluster),
    ['c7', 'late-1'],
  );
  assert.is(after.untrackedEdges, 0);
});

test.run();
