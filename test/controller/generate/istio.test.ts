/** What Istio is told of a route. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manifestsOf, manifestText } from '../../../controller/generate/manifests.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { oneRoute } from '../routes/one-route.ts';

function routeOf(backends: string, host = 'search'): AdaptiveRoute {
  return oneRoute(`apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: shop }
spec: { host: ${host}, port: 80, backends: ${backends} }
`);
}

const two =
  '[{ name: v1, labels: { version: v1 }, weight: 7500 }, { name: v2, labels: { version: v2 }, weight: 2500 }]';

test('a backend without a cluster is the subset of its name, and calls arrive at the service as a whole', () => {
  const { spec } = routeOf(two);
  assert.equal(
    spec.backends.map(({ cluster }) => cluster),
    ['outbound|80|v1|search.shop.svc.cluster.local', 'outbound|80|v2|search.shop.svc.cluster.local'],
  );
  assert.equal(spec.entryClusters, ['outbound|80||search.shop.svc.cluster.local']);
  assert.is(routeOf(two, 'search.example.com').spec.backends[0]?.cluster, 'outbound|80|v1|search.example.com');
});

test('a route makes a DestinationRule and then a VirtualService', () => {
  const text = manifestText(manifestsOf(routeOf(two)));
  assert.fixture(
    text,
    `apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata:
  name: weir-search
  namespace: shop
  labels:
    app.kubernetes.io/managed-by: weir
    weir.dev/route: search
  annotations:
    weir.dev/why: |-
      loadBalancer: Weir weighs backends; among the endpoints of one, the less busy of two is Envoy’s to choose
      connectionPool: who does not accept a connection within 1s is not waited for
      outlierDetection: a single endpoint that fails is not its backend: Envoy leaves it out, up to half of them
spec:
  host: search.shop.svc.cluster.local
  trafficPolicy:
    loadBalancer:
      simple: LEAST_REQUEST
    connectionPool:
      tcp:
        connectTimeout: 1s
    outlierDetection:
      consecutive5xxErrors: 5
      interval: 5s
      baseEjectionTime: 30s
      maxEjectionPercent: 50
  subsets:
    - name: v1
      labels:
        version: v1
    - name: v2
      labels:
        version: v2
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: weir-search
  namespace: shop
  labels:
    app.kubernetes.io/managed-by: weir
    weir.dev/route: search
  annotations:
    weir.dev/why: |-
      http[].match: the filter draws a backend and says so in this header
      http[weir-plain].route: weights of the table, for callers whose filter is not there
spec:
  hosts:
    - search.shop.svc.cluster.local
  http:
    - name: weir-v1
      match:
        - port: 80
          headers:
            x-weir-backend:
              exact: v1
      route:
        - destination:
            host: search.shop.svc.cluster.local
            subset: v1
            port:
              number: 80
    - name: weir-v2
      match:
        - port: 80
          headers:
            x-weir-backend:
              exact: v2
      route:
        - destination:
            host: search.shop.svc.cluster.local
            subset: v2
            port:
              number: 80
    - name: weir-plain
      match:
        - port: 80
      route:
        - destination:
            host: search.shop.svc.cluster.local
            subset: v1
            port:
              number: 80
          weight: 7500
        - destination:
            host: search.shop.svc.cluster.local
            subset: v2
            port:
              number: 80
          weight: 2500
    - name: weir-other-ports
      route:
        - destination:
            host: search.shop.svc.cluster.local
`,
  );
});

test('a route that names Envoy clusters of its own gets nothing', () => {
  assert.equal(manifestsOf(routeOf('[{ name: v1, cluster: one }, { name: v2, cluster: two }]')), []);
});

test.run();
