/** What each workload has called, for longer than the graph remembers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Called } from '../../../controller/graph/called.ts';
import type { EdgeReport } from '../../../controller/wire/messages.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.parse('2026-11-01T00:10:00Z');

function edge(workload: string, cluster: string): EdgeReport {
  return { caller: { workload, namespace: 'shop', zone: 'a', node: 'n' }, cluster } as EdgeReport;
}

const search = 'outbound|80||search.shop.svc.cluster.local';

test('hosts are kept with the hour of their last call, subsets as one', () => {
  const called = new Called();
  called.observe(edge('web', 'outbound|80|v1|search.shop.svc.cluster.local'), START_MS);
  called.observe(edge('web', search), START_MS + 2 * HOUR_MS);
  called.observe(edge('web', 'outbound|443||api.example.com'), START_MS);
  called.observe(edge('web', 'PassthroughCluster'), START_MS);
  assert.equal(called.all(), [
    {
      ...{ namespace: 'shop', workload: 'web', sinceMs: START_MS - 600_000 },
      hosts: [
        { host: 'api.example.com', port: 443, seenMs: START_MS - 600_000 },
        { host: 'search.shop.svc.cluster.local', port: 80, seenMs: START_MS - 600_000 + 2 * HOUR_MS },
      ],
    },
  ]);
});

test('what was not called for 45 days is forgotten, and a workload with it', () => {
  const called = new Called();
  called.observe(edge('web', search), START_MS);
  called.observe(edge('batch', search), START_MS + 30 * 24 * HOUR_MS);
  called.prune(START_MS + 46 * 24 * HOUR_MS);
  assert.equal(
    called.all().map(({ workload }) => workload),
    ['batch'],
  );
});

test('it outlives a restart, and what cannot be read is learnt again', () => {
  const called = new Called();
  called.observe(edge('web', search), START_MS);
  const states = [
    ...(JSON.parse(JSON.stringify(called.states())) as { key: string; value: unknown }[]),
    { key: 'called:shop/odd', value: 7 },
    { key: 'called:shop/none', value: { sinceMs: 'long ago', hosts: {} } },
    { key: 'service:search:80', value: {} },
  ];
  const later = new Called();
  later.load(states);
  assert.equal(later.all(), called.all());
});

test('there is an end to what is kept', () => {
  const called = new Called();
  for (let i = 0; i < 60_000; i += 1) called.observe(edge(`w${i % 100}`, `outbound|80||h${i}.example.com`), START_MS);
  assert.is(
    called.all().reduce((sum, { hosts }) => sum + hosts.length, 0),
    50_000,
  );
});

test.run();
