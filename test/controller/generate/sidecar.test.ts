/** Sidecars from what was called. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { manifestText } from '../../../controller/generate/manifests.ts';
import { ALWAYS_ALLOWED, sidecarsOf } from '../../../controller/generate/sidecar.ts';

const DAY_MS = 24 * 3_600_000;
const NOW_MS = Date.parse('2026-11-25T00:00:00Z');
const host = (name: string, port = 80) => ({ host: name, port, seenMs: NOW_MS });
const rules = { learnMs: 7 * DAY_MS, allow: ALWAYS_ALLOWED, routed: [], nowMs: NOW_MS };

test('a workload keeps what it has called and what is always allowed', () => {
  const hosts = [
    host('api.example.com', 443),
    host('search.shop.svc.cluster.local'),
    host('search.shop.svc.cluster.local', 9090),
    host('weir-agent.weir-system.svc.cluster.local', 15_990),
  ];
  const { manifests, learning } = sidecarsOf(
    [{ namespace: 'shop', workload: 'web', sinceMs: NOW_MS - 8 * DAY_MS, hosts }],
    rules,
  );
  assert.equal(learning, []);
  assert.fixture(
    manifestText(manifests),
    `apiVersion: networking.istio.io/v1beta1
kind: Sidecar
metadata:
  name: weir-web
  namespace: shop
  labels:
    app.kubernetes.io/managed-by: weir
  annotations:
    weir.dev/why: "egress: what web has called since 2026-11-17, hosts whose VirtualServices lead there, and what is always allowed"
spec:
  workloadSelector:
    labels:
      app: web
  egress:
    - hosts:
        - istio-system/*
        - weir-system/*
        - "*/api.example.com"
        - shop/search.shop.svc.cluster.local
`,
  );
});

test('a host whose VirtualService leads to a called one may be what was asked for, and stays', () => {
  const called = [
    { namespace: 'shop', workload: 'web', sinceMs: NOW_MS - 8 * DAY_MS, hosts: [host('new.shop.svc.cluster.local')] },
  ];
  const by = 'VirtualService shop/moved';
  const routed = [
    { host: 'old.shop.svc.cluster.local', to: 'new.shop.svc.cluster.local', by },
    { host: 'other.shop.svc.cluster.local', to: 'elsewhere.shop.svc.cluster.local', by },
  ];
  const text = manifestText(sidecarsOf(called, { ...rules, routed }).manifests);
  assert.match(text, '- shop/old.shop.svc.cluster.local');
  assert.not.match(text, 'other.shop.svc.cluster.local');
});

test('who was not looked at for long enough has none yet', () => {
  const called = {
    namespace: 'shop',
    workload: 'new',
    sinceMs: NOW_MS - DAY_MS,
    hosts: [host('a.shop.svc.cluster.local')],
  };
  assert.equal(sidecarsOf([called], rules), { manifests: [], learning: ['shop/new'] });
});

test.run();
