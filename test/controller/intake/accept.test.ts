/** Which of a cluster's AdaptiveRoutes are in force, and what the others' owners are told. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acceptAll, type RouteObject } from '../../../controller/intake/accept.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';

const NOTHING: ReadonlyMap<string, AdaptiveRoute> = new Map();

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
  const [only] = acceptAll([object('search')], NOTHING);
  assert.is(only?.reason, 'Valid');
  assert.is(only?.route?.spec.mode, 'enforce');
  assert.is(only?.route?.metadata.namespace, 'shop');
});

test('a wrong route is told every wrong field, and no other is kept from its work', () => {
  const wrong = object('search', { spec: { policy: 'marginal-los', port: 99_999 } });
  const judged = acceptAll([wrong, object('cart', { second: 1 })], NOTHING);
  assert.equal(
    judged.map(({ reason }) => reason),
    ['Invalid', 'Valid'],
  );
  assert.match(judged[0]?.message ?? '', /spec\.port is 99999; it must be an integer from 1 to 65535/);
  assert.is(judged[0]?.route, undefined);
});

test('what a schema cannot say is said too', () => {
  const [only] = acceptAll([object('search', { spec: { policy: 'marginal-los' } })], NOTHING);
  assert.is(only?.reason, 'Invalid');
  assert.match(only?.message ?? '', /spec\.policy: marginal-los.*did you mean marginal-loss\?/);
});

test('an edit that is wrong leaves what was in force before it, and says so', () => {
  const [first] = acceptAll([object('search')], NOTHING);
  assert.ok(first?.route);
  const before = new Map([['uid-of-search', first.route]]);
  const [edited] = acceptAll([object('search', { generation: 2, spec: { mode: 'enforced' } })], before);
  assert.is(edited?.reason, 'Invalid');
  assert.equal(edited?.route, first.route);
  assert.match(edited?.message ?? '', /what it said before stays in force/);
});

test('of two for one service the older one is in force, whatever order they come in', () => {
  const older = object('search', { second: 1, host: 'search' });
  const younger = object('find', { second: 2, host: 'search' });
  for (const objects of [
    [older, younger],
    [younger, older],
  ]) {
    const judged = acceptAll(objects, NOTHING);
    assert.equal(
      judged.map(({ object: { metadata }, reason }) => [metadata.name, reason]),
      [
        ['search', 'Valid'],
        ['find', 'Conflict'],
      ],
    );
    assert.match(judged[1]?.message ?? '', /search:80, which has a route already.*\(shop\/search came first\)/);
  }
});

test('of two of the same second the one that is in force stays', () => {
  const [first] = acceptAll([object('search')], NOTHING);
  assert.ok(first?.route);
  const judged = acceptAll(
    [object('find', { host: 'search' }), object('search')],
    new Map([['uid-of-search', first.route]]),
  );
  assert.equal(
    judged.map(({ object: { metadata }, reason }) => [metadata.name, reason]),
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
    acceptAll([first, second, third], NOTHING).map(({ reason }) => reason),
    ['Valid', 'Conflict', 'Valid'],
  );
});

test.run();
