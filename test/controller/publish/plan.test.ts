/** Weights of the plain route, and which routes have one. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { plansOf } from '../../../controller/publish/plan.ts';
import { parseRoutes } from '../../../controller/routes/parse.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import type { ServiceStatus } from '../../../controller/steer/status.ts';

function routesOf(mode: string): readonly AdaptiveRoute[] {
  return parseRoutes(
    `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: shop }
spec: { host: search, port: 80, mode: ${mode}, backends: [{ name: v1, weight: 9000 }, { name: v2, weight: 1000 }] }
`,
    'test.yaml',
  );
}

function group(loadRps: number, v1: number): ServiceStatus {
  const backend = (name: string, weight: number) => ({ name, weight });
  const backends = [backend('v1', v1), backend('v2', 10_000 - v1)];
  return {
    service: 'search.shop.svc.cluster.local:80',
    group: 'zone-a',
    loadRps,
    backends,
  } as unknown as ServiceStatus;
}

test('groups count by their calls', () => {
  const [plan] = plansOf(routesOf('enforce'), [group(30, 8_000), group(10, 4_000)]);
  assert.equal(plan?.weights, { v1: 7_000, v2: 3_000 });
});

test('without calls they count alike, and without groups the route says', () => {
  assert.equal(plansOf(routesOf('enforce'), [group(0, 8_000), group(0, 4_000)])[0]?.weights, { v1: 6_000, v2: 4_000 });
  assert.equal(plansOf(routesOf('enforce'), [])[0]?.weights, { v1: 9_000, v2: 1_000 });
});

test('who only looks on publishes nothing', () => {
  assert.equal(plansOf(routesOf('recommend'), [group(30, 8_000)]), []);
  assert.equal(plansOf(routesOf('observe'), [group(30, 8_000)]), []);
});

test.run();
