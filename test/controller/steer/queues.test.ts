/** The whole core on simulated meshes with queues, against plain alternatives on the same arrivals. Seeds are not tuned on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRoutes } from '../../../controller/routes/parse.ts';
import { clusterOf, QueueingMesh, type SimBackend, type SimService } from '../../support/queueing-mesh.ts';

const SETTLED_S = 200;
const END_S = 320;

const backend = (name: string, zone: string, slots: number, meanMs: number): SimBackend => ({
  ...{ name, zone, slots, meanMs, sigma: 0.5, errorRatio: 0, queueLimit: 200 },
});

/** A chain of two services in two zones, 5 ms each way between them. */
const chain = (firstSlots: number, nearSlots: number): SimService[] => [
  {
    name: 'front',
    calls: ['back'],
    backends: [backend('a', 'east', firstSlots, 8), backend('b', 'west', firstSlots, 8)],
  },
  { name: 'back', calls: [], backends: [backend('a', 'east', nearSlots, 10), backend('b', 'west', 8, 10)] },
];

function run(
  policy: string,
  services: SimService[],
  eastRps: (second: number) => number,
  westRps: number,
  seed: number,
) {
  const routes = services.flatMap(({ name, backends }) => {
    const rows = backends.map(
      (each) => `    - { name: ${each.name}, cluster: "${clusterOf(name, each.name)}", zone: ${each.zone} }`,
    );
    const head = `apiVersion: weir.dev/v1alpha1\nkind: AdaptiveRoute\nmetadata: { name: ${name} }\nspec:\n  host: ${name}\n  port: 80\n`;
    return parseRoutes(
      `${head}  policy: ${policy}\n  objective: { latencyMs: 250 }\n  backends:\n${rows.join('\n')}\n`,
      'test.yaml',
    );
  });
  const loadRps = (zone: string, second: number) => (zone === 'east' ? eastRps(second) : westRps);
  const mesh = new QueueingMesh({
    services,
    zones: ['east', 'west'],
    oneWayMs: 5,
    loadRps,
    routes,
    proxies: 2,
    seed,
    isSteered: true,
  });
  mesh.run(END_S);
  return { mesh, p50Ms: mesh.quantileMs(0.5, SETTLED_S), p99Ms: mesh.quantileMs(0.99, SETTLED_S) };
}

test('with nothing wrong calls come to stay in their zone, which inverse latency never does', () => {
  const plain = run('inverse-latency', chain(16, 8), () => 200, 200, 11);
  const steered = run('marginal-loss', chain(16, 8), () => 200, 200, 11);
  assert.ok(steered.p50Ms < 0.85 * plain.p50Ms, `p50 ${steered.p50Ms} against ${plain.p50Ms} ms`);
  assert.ok(steered.p99Ms < plain.p99Ms, `p99 ${steered.p99Ms} against ${plain.p99Ms} ms`);
});

test('a flooded zone sends what it cannot serve to the other one', () => {
  const flood = (second: number) => (second < 60 ? 200 : 430);
  const plain = run('inverse-latency', chain(8, 8), flood, 120, 12);
  const steered = run('marginal-loss', chain(8, 8), flood, 120, 12);
  assert.ok(steered.p99Ms <= 1.05 * plain.p99Ms, `p99 ${steered.p99Ms} against ${plain.p99Ms} ms`);
  assert.ok(steered.p50Ms < plain.p50Ms, `p50 ${steered.p50Ms} against ${plain.p50Ms} ms`);
});

test('a bottleneck two hops down is gone around', () => {
  const plain = run('inverse-latency', chain(24, 2), () => 180, 180, 13);
  const steered = run('marginal-loss', chain(24, 2), () => 180, 180, 13);
  assert.ok(steered.p99Ms <= 1.05 * plain.p99Ms, `p99 ${steered.p99Ms} against ${plain.p99Ms} ms`);
  assert.ok(steered.p50Ms < plain.p50Ms, `p50 ${steered.p50Ms} against ${plain.p50Ms} ms`);
});

test('where equal weights are best, no weight moves', () => {
  const even: SimService[] = [
    { name: 'front', calls: [], backends: ['a', 'b', 'c'].map((name) => backend(name, 'east', 8, 8)) },
  ];
  const { mesh } = run('marginal-loss', even, () => 300, 0.001, 14);
  assert.equal(mesh.decisions, []);
});

test.run();
