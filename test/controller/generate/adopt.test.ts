/** A VirtualService of somebody else's with what the filter needs put into it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adoptedRules, type HttpRule } from '../../../controller/generate/adopt.ts';
import { oneRoute } from '../routes/one-route.ts';

const route = oneRoute(`apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: shop }
spec: { host: search, port: 80, adopt: { virtualService: search }, backends: [{ name: v1 }, { name: v2 }] }
`);
const weights = { v1: 7_000, v2: 3_000 };
const to = (subset: string, host = 'search') => ({ destination: { host, subset } });

test('a rule that leads to the service gets a copy per backend, with all that it has, and the weights', () => {
  const rule = {
    name: 'api',
    match: [{ uri: { prefix: '/api' }, headers: { 'x-user': { exact: 'ann' } } }, { uri: { prefix: '/v2' } }],
    timeout: '2s',
    route: [
      { ...to('v1'), weight: 90 },
      { ...to('v2'), weight: 10, headers: { response: { set: { 'x-v': '2' } } } },
    ],
  };
  const rules = adoptedRules([rule as HttpRule], route, weights);
  const header = (name: string) => ({ 'x-weir-backend': { exact: name } });
  const match = (name: string) => [
    { uri: { prefix: '/api' }, headers: { 'x-user': { exact: 'ann' }, ...header(name) } },
    { uri: { prefix: '/v2' }, headers: header(name) },
  ];
  assert.equal(rules, [
    { ...rule, name: 'weir-v1-1', match: match('v1'), route: [to('v1')] },
    {
      ...{ ...rule, name: 'weir-v2-1', match: match('v2') },
      route: [{ ...to('v2'), headers: { response: { set: { 'x-v': '2' } } } }],
    },
    {
      ...rule,
      route: [
        { ...to('v1'), weight: 7_000 },
        { ...to('v2'), weight: 3_000, headers: { response: { set: { 'x-v': '2' } } } },
      ],
    },
  ]);
});

test('rules that lead elsewhere, or redirect, stay as they are and where they are', () => {
  const login = { match: [{ uri: { exact: '/login' } }], redirect: { uri: '/' } } as unknown as HttpRule;
  const shared = {
    route: [
      { ...to('v1'), weight: 50 },
      { ...to('v1', 'other'), weight: 50 },
    ],
  };
  const otherPort = { route: [{ destination: { host: 'search', port: { number: 9090 } } }] };
  const plain = { route: [{ destination: { host: 'search.shop.svc.cluster.local' } }] };
  const rules = adoptedRules([login, shared, otherPort, plain], route, weights);
  assert.equal(rules?.slice(0, 3), [login, shared, otherPort]);
  const host = 'search.shop.svc.cluster.local';
  assert.equal(rules?.slice(3), [
    { name: 'weir-v1-4', match: [{ headers: { 'x-weir-backend': { exact: 'v1' } } }], route: [to('v1', host)] },
    { name: 'weir-v2-4', match: [{ headers: { 'x-weir-backend': { exact: 'v2' } } }], route: [to('v2', host)] },
    {
      route: [
        { ...to('v1', host), weight: 7_000 },
        { ...to('v2', host), weight: 3_000 },
      ],
    },
  ]);
});

test('where no rule leads to the service there is nothing to adopt', () => {
  assert.is(adoptedRules([{ route: [to('v1', 'other')] }], route, weights), undefined);
  assert.is(adoptedRules([], route, weights), undefined);
});

test.run();
