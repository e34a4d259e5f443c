/** Subsets on their way out. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { destinationRuleOf } from '../../../controller/generate/istio.ts';
import type { Manifest } from '../../../controller/generate/manifests.ts';
import { withLeaving } from '../../../controller/publish/leaving.ts';
import type { Found } from '../../../controller/publish/objects.ts';
import { oneRoute } from '../routes/one-route.ts';

const rule = destinationRuleOf(
  oneRoute({
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: 'search', namespace: 'shop' },
    spec: { host: 'search', port: 80, backends: [{ name: 'v2' }, { name: 'v3' }] },
  }),
).toJSON() as Manifest;
const metadata = { name: 'weir-search', namespace: 'shop', uid: 'one' };
const there: Found = { metadata, spec: { subsets: [{ name: 'v1', labels: { version: 'v1' } }, { name: 'v2' }] } };
const routes = (...subsets: string[]): Found => ({
  metadata,
  spec: { http: [{ route: subsets.map((subset) => ({ destination: { host: 'search', subset } })) }] },
});
const namesOf = (manifest: Manifest) =>
  (manifest as unknown as { spec: { subsets: { name: string }[] } }).spec.subsets.map(({ name }) => name);

test('a subset that routes there still name stays for now', () => {
  const { rule: first, isWhole } = withLeaving(rule, there, [routes('v1', 'v2')]);
  assert.equal(namesOf(first), ['v2', 'v3', 'v1']);
  assert.is(isWhole, false);
});

test('one that nobody names goes', () => {
  assert.equal(withLeaving(rule, there, [routes('v2', 'v3')]), { rule, isWhole: true });
  assert.equal(withLeaving(rule, undefined, []), { rule, isWhole: true });
});

test.run();
