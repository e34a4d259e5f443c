/** What is configured beside what is called. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { markConfigured, readConfigured } from '../../../controller/graph/configured.ts';
import { Mesh } from '../../../controller/graph/mesh.ts';
import type { EdgeReport } from '../../../controller/wire/messages.ts';

const HOST = 'search.shop.svc.cluster.local';
const cluster = (subset: string) => `outbound|80|${subset}|${HOST}`;
const edge = (name: string): EdgeReport => ({
  caller: { workload: 'web', namespace: 'shop', zone: 'a', node: 'node-1' },
  ...{
    cluster: name,
    arm: 'stable',
    trialId: 0,
    outcomes: [10, 0, 0, 0, 0, 0],
    retries: 0,
    inFlight: 0,
    latencySumUs: 0,
  },
  latency: [20_000, 10],
});
const configured = {
  clusters: [
    { cluster: cluster(''), service: `${HOST}:80`, by: 'Service shop/search' },
    { cluster: cluster('v1'), service: `${HOST}:80`, backend: 'v1', by: 'DestinationRule shop/search' },
    { cluster: 'outbound|443||mail.example.com', service: 'mail.example.com:443', by: 'ServiceEntry shop/mail' },
  ],
  routed: [],
};

function viewOf(...clusters: readonly string[]): ReturnType<Mesh['view']> {
  const mesh = new Mesh();
  for (const name of clusters) mesh.observe(edge(name), 1_000, 1_000);
  return mesh.view(new Map([['custom', { service: 'orders:80', backend: 'v1' }]]), 1_000);
}

test('an edge that is seen and not configured is told apart; what a route names counts as configured', () => {
  const { edges } = markConfigured(viewOf(cluster('v1'), 'PassthroughCluster', 'custom'), configured);
  assert.equal(
    edges.map(({ service, backend, isConfigured }) => [service, backend, isConfigured]),
    [
      [`${HOST}:80`, 'v1', true],
      ['PassthroughCluster', undefined, false],
      ['orders:80', 'v1', true],
    ],
  );
});

test('what is configured is told to be called, called before, or never', () => {
  const hosts = [{ host: HOST, port: 80, seenMs: 3_600_000 }];
  const called = [{ namespace: 'shop', workload: 'web', sinceMs: 0, hosts }];
  const { clusters } = readConfigured(configured, viewOf(cluster('v1')), called);
  assert.equal(
    clusters.map(({ isSeen, seenMs }) => [isSeen, seenMs]),
    [
      [false, 3_600_000],
      [true, 3_600_000],
      [false, null],
    ],
  );
});

test.run();
