/** What an owner reads on the route itself. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Acceptance } from '../../../controller/intake/accept.ts';
import { acceptAll, type RouteObject } from '../../../controller/intake/accept.ts';
import { statusOf } from '../../../controller/intake/status.ts';
import type { RouteNews } from '../../../controller/routes/source.ts';
import type { ServiceStatus } from '../../../controller/steer/status.ts';

const AT_MS = Date.parse('2026-11-25T12:00:00Z');

function accepted(spec: Readonly<Record<string, unknown>> = {}, status?: unknown): Acceptance {
  const object: RouteObject = {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: {
      ...{ name: 'search', namespace: 'shop', uid: 'one', generation: 3 },
      creationTimestamp: '2026-11-25T10:00:00Z',
    },
    spec: { host: 'search', port: 80, backends: [{ name: 'v1', cluster: 'search-v1' }], ...spec },
    status,
  };
  const [acceptance] = acceptAll([object], new Map(), () => ({ message: 'nobody was to ask' }));
  if (!acceptance) throw new Error('nothing was judged');
  return acceptance;
}

function group(more: Partial<ServiceStatus> = {}): ServiceStatus {
  const backend = (name: string, weight: number) => ({ name, weight }) as ServiceStatus['backends'][number];
  return {
    ...{ service: 'search:80', group: 'zone-a', mode: 'enforce', policy: 'marginal-loss', frozen: null, pinned: null },
    ...{ trial: null, relieved: [], waitsFor: null, loadRps: 10, forecastRps: [] },
    backends: [backend('v1', 7_512), backend('v2', 2_488)],
    ...more,
  };
}

function news(services: readonly ServiceStatus[], more: Partial<RouteNews> = {}): RouteNews {
  return {
    services,
    table: '4.17',
    agentCount: 2,
    published: () => undefined,
    saved: () => undefined,
    decisions: () => [],
    wallMs: AT_MS,
    ...more,
  };
}

const steering = (acceptance: Acceptance, told: RouteNews) => {
  const condition = statusOf(acceptance, told).conditions.find(({ type }) => type === 'Steering');
  return [condition?.status, condition?.reason, condition?.message];
};

test('weights in force are there for a person and for a program', () => {
  const status = statusOf(accepted(), news([group(), group({ group: '*' })]));
  assert.is(status.table, '4.17');
  assert.is(status.weights, 'zone-a: v1 75.1 %, v2 24.9 %; *: v1 75.1 %, v2 24.9 %');
  assert.equal(status.groups?.[0], { name: 'zone-a', weights: { v1: 7_512, v2: 2_488 }, relieved: [] });
  assert.is(status.observedGeneration, 3);
});

test('what is being done is one word and one sentence', () => {
  const hold = { by: 'ann', why: 'sale', sinceWallMs: AT_MS };
  const trial = { id: 1, stage: 2, stages: 3, share: 0.3, to: {} };
  assert.equal(steering(accepted(), news([group()])), ['True', 'InForce', 'filters steer by the weights shown']);
  assert.equal(steering(accepted(), news([group({ frozen: hold })])), ['True', 'Frozen', 'frozen by ann: sale']);
  assert.equal(steering(accepted(), news([group({ pinned: hold })])), ['True', 'Pinned', 'pinned by ann: sale']);
  assert.equal(steering(accepted(), news([group({ relieved: ['v1'] })])).slice(1), [
    'Relieving',
    'held down: v1 for zone-a',
  ]);
  assert.equal(steering(accepted(), news([group({ trial })])).slice(1), [
    'Trying',
    'a trial for zone-a is in stage 2 of 3',
  ]);
  assert.equal(steering(accepted(), news([group()], { agentCount: 0 })).slice(0, 2), ['False', 'NoAgents']);
  assert.equal(steering(accepted(), news([group({ mode: 'observe' })])).slice(0, 2), ['False', 'Observing']);
  assert.equal(steering(accepted(), news([group({ mode: 'recommend' })])).slice(0, 2), ['False', 'Recommending']);
  assert.equal(steering(accepted({ port: 0 }), news([])).slice(0, 2), ['False', 'NotAccepted']);
});

test('a condition keeps the time of its last change of status', () => {
  const first = statusOf(accepted(), news([group()]));
  const later = statusOf(accepted({}, first), news([group({ relieved: ['v1'] })], { wallMs: AT_MS + 60_000 }));
  const times = later.conditions.map(({ lastTransitionTime }) => lastTransitionTime);
  assert.equal(times, ['2026-11-25T12:00:00.000Z', '2026-11-25T12:00:00.000Z'], 'True before, True now');
  const off = statusOf(accepted({}, later), news([group()], { wallMs: AT_MS + 90_000, agentCount: 0 }));
  assert.is(off.conditions[1]?.lastTransitionTime, '2026-11-25T12:01:30.000Z');
});

test('what became of the manifests is a condition where any are published', () => {
  const types = (told: RouteNews) => statusOf(accepted(), told).conditions.map(({ type }) => type);
  assert.equal(types(news([group()])), ['Accepted', 'Steering']);
  const told = news([group()], {
    published: (route) =>
      route === 'shop/search' ? { isThere: false, reason: 'HostTaken', message: 'another routes it' } : undefined,
  });
  const published = statusOf(accepted(), told).conditions.find(({ type }) => type === 'Published');
  assert.equal([published?.status, published?.reason, published?.message], ['False', 'HostTaken', 'another routes it']);
});

test('the last verdict stays when it is too old to be among the latest decisions', () => {
  const decision = {
    ...{ id: 9, atMs: AT_MS, kind: 'verdict' as const, service: 'search:80', group: 'zone-a', by: 'marginal-loss' },
    ...{ from: {}, to: {}, why: 'better beyond chance', verdict: 'kept' as const, evidence: {} },
  };
  const first = statusOf(accepted(), news([group()], { decisions: () => [decision] }));
  assert.equal(first.lastVerdict, {
    ...{ verdict: 'kept', group: 'zone-a', at: '2026-11-25T12:00:00.000Z', why: 'better beyond chance' },
  });
  assert.equal(statusOf(accepted({}, first), news([group()])).lastVerdict, first.lastVerdict);
});

test.run();
