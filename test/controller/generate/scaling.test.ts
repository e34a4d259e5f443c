/** ScaledObjects of KEDA from routes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manifestText } from '../../../controller/generate/manifests.ts';
import { scaledObjectsOf } from '../../../controller/generate/scaling.ts';
import { oneRoute } from '../routes/one-route.ts';

const route = oneRoute(`apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: shop }
spec:
  host: search
  port: 80
  backends:
    - { name: v1, scale: { deployment: search-v1, rpsPerReplica: 12.5, maxReplicas: 20 } }
    - { name: v2 }
`);

test('a backend that says how it is scaled gets a ScaledObject that asks the controller', () => {
  assert.fixture(
    manifestText(scaledObjectsOf(route, 'https://weir.example.com:15900/')),
    `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: weir-search-v1
  namespace: shop
  labels:
    app.kubernetes.io/managed-by: weir
    weir.dev/route: search
  annotations:
    weir.dev/why: |-
      triggers[0]: replicas follow what v1 is going to be called; while that is not known they stay
      scaleDown: a share that was lost to a fault, and a crowd, may be back within minutes: replicas go after 600 s without need
spec:
  scaleTargetRef:
    name: search-v1
  minReplicaCount: 2
  maxReplicaCount: 20
  advanced:
    horizontalPodAutoscalerConfig:
      name: weir-search-v1
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 600
  triggers:
    - type: metrics-api
      metricType: AverageValue
      metadata:
        url: https://weir.example.com:15900/v1/demand?service=search.shop.svc.cluster.local%3A80&backend=v1
        valueLocation: loadRps
        targetValue: "12.5"
`,
  );
});

test.run();
