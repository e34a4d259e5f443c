/** Backends as the API server tells of them: subsets of a rule, values of a label. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Behind, fromLabel, fromRule, ZONE_LABEL } from '../../../controller/intake/backends.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { oneRoute } from '../routes/one-route.ts';

function routeOf(backendsFrom: object, backends: readonly object[] = []): AdaptiveRoute {
  return oneRoute({
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: 'search', namespace: 'shop' },
    spec: { host: 'search', port: 80, backends, backendsFrom },
  });
}

const byVersion = routeOf({ label: 'version' });
const nothing: Behind = { pods: undefined, zones: undefined, entries: [], hasPods: false };
const pods = (...versions: (string | undefined)[]): Behind => ({
  ...nothing,
  hasPods: true,
  pods: versions.map((version) => (version === undefined ? {} : { version })),
});
const names = (route: AdaptiveRoute | undefined) => route?.spec.backends.map(({ name }) => name);

test('each value of a label is a backend and a subset of that label', () => {
  const { route, message } = fromLabel(byVersion, 'version', pods('v2', 'v1', 'v2', undefined));
  assert.equal(names(route), ['v1', 'v2']);
  assert.equal(route?.spec.backends[1], {
    ...{ name: 'v2', labels: { version: 'v2' }, minShare: 0.002, maxShare: 1 },
    cluster: 'outbound|80|v2|search.shop.svc.cluster.local',
  });
  assert.is(message, 'backends v1, v2 are the values of label version; 1 without it gets no steered call');
});

test('a value that no subset can be called gets a name that one can; two of one name are refused', () => {
  assert.equal(names(fromLabel(byVersion, 'version', pods('1.2.0', 'Blue')).route), ['1-2-0', 'blue']);
  const { route, message } = fromLabel(byVersion, 'version', pods('1.2', '1-2'));
  assert.is(route, undefined);
  assert.match(message, /values 1-2 and 1\.2, which are one name, 1-2/);
});

test('what the route says of a backend counts once it is found', () => {
  const route = routeOf({ label: 'version' }, [{ name: 'v2', maxShare: 0.3 }, { name: 'v9' }]);
  const { backends } = fromLabel(route, 'version', pods('v1', 'v2')).route?.spec ?? { backends: [] };
  assert.equal(
    backends.map(({ name, maxShare }) => [name, maxShare]),
    [
      ['v1', 1],
      ['v2', 0.3],
    ],
  );
});

test('zones are those of the endpoints, and each backend knows its own', () => {
  const behind = { ...nothing, hasPods: true, zones: ['b', 'a', 'b', ''] };
  const { route, message } = fromLabel(routeOf({ label: ZONE_LABEL }), ZONE_LABEL, behind);
  assert.equal(
    route?.spec.backends.map(({ name, zone, labels }) => [name, zone, labels]),
    [
      ['a', 'a', { [ZONE_LABEL]: 'a' }],
      ['b', 'b', { [ZONE_LABEL]: 'b' }],
    ],
  );
  assert.match(message, /1 without it/);
});

test('a host that a ServiceEntry stands for has the labels and zones of its endpoints', () => {
  const endpoints = [
    { labels: { version: 'v1' }, locality: 'r1/a' },
    { labels: { version: 'v2' }, locality: 'r1/b/c' },
  ];
  const behind = { ...nothing, entries: [{ spec: { hosts: ['search.shop.svc.cluster.local'], endpoints } }] };
  assert.equal(names(fromLabel(byVersion, 'version', behind).route), ['v1', 'v2']);
  assert.equal(names(fromLabel(routeOf({ label: ZONE_LABEL }), ZONE_LABEL, behind).route), ['a', 'b']);
});

test('what is not known is said, each in its way', () => {
  const say = (behind: Behind) => fromLabel(byVersion, 'version', behind).message;
  assert.match(say(nothing), /no Service with a selector and no ServiceEntry for search\.shop\.svc/);
  assert.match(say({ ...nothing, hasPods: true }), /has not told yet/);
  assert.match(say(pods()), /there is no backend yet/);
  assert.match(say(pods(...Array.from({ length: 65 }, (_, i) => `v${i}`))), /there are 65 .*at most 64/);
  const clusters = fromLabel(routeOf({ label: 'topology.istio.io/cluster' }), 'topology.istio.io/cluster', pods('v1'));
  assert.match(clusters.message, /name them in spec\.backends, each with labels/);
});

test('a rule that is missing, or for another host, is named', () => {
  const route = routeOf({ destinationRule: 'search' });
  assert.match(fromRule(route, undefined).message, /DestinationRule shop\/search, which is not there/);
  const other = { metadata: { name: 'search', namespace: 'shop' }, spec: { host: 'cart', subsets: [{ name: 'v1' }] } };
  assert.match(fromRule(route, other).message, /is for cart\.shop.*must be for search\.shop/);
});

test.run();
