/** Which of a cluster's AdaptiveRoutes are in force, and what the others' owners are told. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Acceptance, acceptAll, type RouteObject } from '../../../controller/intake/accept.ts';
import { type BackendsFound, fromRule } from '../../../controller/intake/backends.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';

const NOTHING: ReadonlyMap<string, AdaptiveRoute> = new Map();

/** @param find by default nobody asks for backends */
function judged(
  objects: readonly RouteObject[],
  before = NOTHING,
  find: (route: AdaptiveRoute) => BackendsFound = () => ({ message: 'nobody was to ask' }),
): readonly Acceptance[] {
  return acceptAll(objects, before, find);
}

interface Wish {
  readonly second?: number;
  readonly generation?: number;
  readonly host?: string;
  readonly cluster?: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function object(
  name: string,
  { second = 0, generation = 1, host = name, cluster = `${name}-v1`, spec }: Wish = {},
): RouteObject {
  return {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: {
      ...{ name, namespace: 'shop', uid: `uid-of-${name}`, generation },
      creationTimestamp: `2026-11-25T10:00:0${second}Z`,
    },
    spec: { host, port: 80, backends: [{ name: 'v1', cluster }], ...spec },
  };
}

test('what is right is in force with its defaults', () => {
  const [only] = judged([object('search')], NOTHING);
  assert.is(only?.reason, 'Valid');
  assert.is(only?.route?.spec.mode, 'enforce');
  assert.is(only?.route?.metadata.namespace, 'shop');
});

test('a wrong route is told every wrong field, and no other is kept from its work', () => {
  const wrong = object('search', { spec: { policy: 'marginal-los', port: 99_999 } });
  const all = judged([wrong, object('cart', { second: 1 })], NOTHING);
  assert.equal(
    all.map(({ reason }) => reason),
    ['Invalid', 'Valid'],
  );
  assert.match(all[0]?.message ?? '', /spec\.port is 99999; it must be an integer from 1 to 65535/);
  assert.is(all[0]?.route, undefined);
});

test('what a schema cannot say is said too', () => {
  const [only] = judged([object('search', { spec: { policy: 'marginal-los' } })], NOTHING);
  assert.is(only?.reason, 'Invalid');
  assert.match(only?.message ?? '', /spec\.policy: marginal-los.*did you mean marginal-loss\?/);
});

test('an edit that is wrong leaves what was in force before it, and says so', () => {
  const [first] = judged([object('search')], NOTHING);
  assert.ok(first?.route);
  const before = new Map([['uid-of-search', first.route]]);
  const [edited] = judged([object('search', { generation: 2, spec: { mode: 'enforced' } })], before);
  assert.is(edited?.reason, 'Invalid');
  assert.equal(edited?.route, first.route);
  assert.match(edited?.message ?? '', /what was in force before stays/);
});

test('of two for one service the older one is in force, whatever order they come in', () => {
  const older = object('search', { second: 1, host: 'search' });
  const younger = object('find', { second: 2, host: 'search' });
  for (const objects of [
    [older, younger],
    [younger, older],
  ]) {
    const all = judged(objects, NOTHING);
    assert.equal(
      all.map(({ object: { metadata }, reason }) => [metadata.name, reason]),
      [
        ['search', 'Valid'],
        ['find', 'Conflict'],
      ],
    );
    assert.match(all[1]?.message ?? '', /search:80, which has a route already.*\(shop\/search came first\)/);
  }
});

test('of two of the same second the one that is in force stays', () => {
  const [first] = judged([object('search')], NOTHING);
  assert.ok(first?.route);
  const all = judged([object('find', { host: 'search' }), object('search')], new Map([['uid-of-search', first.route]]));
  assert.equal(
    all.map(({ object: { metadata }, reason }) => [metadata.name, reason]),
    [
      ['search', 'Valid'],
      ['find', 'Conflict'],
    ],
  );
});

test('one that is out for a conflict keeps nobody else out', () => {
  const first = object('a', { second: 1, cluster: 'one' });
  const second = object('b', {
    second: 2,
    spec: {
      backends: [
        { name: 'v1', cluster: 'one' },
        { name: 'v2', cluster: 'two' },
      ],
    },
  });
  const third = object('c', { second: 3, cluster: 'two' });
  assert.equal(
    judged([first, second, third], NOTHING).map(({ reason }) => reason),
    ['Valid', 'Conflict', 'Valid'],
  );
});

const openRoute = () =>
  object('search', {
    spec: { backends: [{ name: 'v2', minShare: 0.1 }], backendsFrom: { destinationRule: 'search' } },
  });
const ruleOf = (...names: string[]) => ({
  metadata: { name: 'search', namespace: 'shop' },
  spec: { host: 'search', subsets: names.map((name) => ({ name, labels: { version: name } })) },
});

test('a route that leaves its backends to the API server gets those that are found, and keeps them when they are lost', () => {
  const [first] = judged([openRoute()], NOTHING, (route) => fromRule(route, ruleOf('v1', 'v2')));
  assert.is(first?.reason, 'Valid');
  assert.equal(
    first?.route?.spec.backends.map(({ name, minShare }) => [name, minShare]),
    [
      ['v1', 0.002],
      ['v2', 0.1],
    ],
  );
  assert.ok(first?.route);
  const [lost] = judged([openRoute()], new Map([['uid-of-search', first.route]]), (route) =>
    fromRule(route, undefined),
  );
  assert.is(lost?.reason, 'NoBackends');
  assert.equal(lost?.route, first.route);
  assert.match(lost?.message ?? '', /DestinationRule shop\/search, which is not there; what was in force before stays/);
});

test('what is found and cannot be in force is said with where it comes from', () => {
  const [only] = judged([openRoute()], NOTHING, (route) => fromRule(route, ruleOf('v1', 'v1')));
  assert.is(only?.reason, 'Invalid');
  assert.match(
    only?.message ?? '',
    /spec\.backends\[1\]\.name is "v1", as in spec\.backends\[0\].*DestinationRule shop\/search/,
  );
});

test('where backends come from is one of two, and none has a weight beforehand', () => {
  const spec = {
    backends: [{ name: 'v2', weight: 10_000 }],
    backendsFrom: { label: 'version', destinationRule: 'search' },
  };
  const [both] = judged([object('search', { spec })]);
  assert.match(both?.message ?? '', /names both of label and destinationRule/);
  assert.match(both?.message ?? '', /spec\.backends\[0\]\.weight.*leave it out/);
  const [none] = judged([object('search', { spec: { backends: [] } })]);
  assert.match(none?.message ?? '', /spec\.backends is empty/);
});

test.run();
