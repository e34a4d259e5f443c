/** Manifests as files, for whoever applies them with a tool of their own. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { initialWeights } from '../../../controller/decide/weights.ts';
import { manifestsOf } from '../../../controller/generate/manifests.ts';
import { Files } from '../../../controller/publish/files.ts';
import { InTheWay } from '../../../controller/publish/place.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { oneRoute } from '../routes/one-route.ts';

const test = suite<{ folder: string }>('files');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-files-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

function routeOf(name: string): AdaptiveRoute {
  return oneRoute(`apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: ${name}, namespace: shop }
spec: { host: ${name}, port: 80, backends: [{ name: v1 }, { name: v2 }] }
`);
}

function put(files: Files, route: AdaptiveRoute, weights = initialWeights(route)): Promise<boolean> {
  return files.put({ route, weights }, manifestsOf(route, weights));
}

test('a file per route, written only when it says something else', async ({ folder }) => {
  const files = new Files(join(folder, 'new'));
  const route = routeOf('search');
  await put(files, route);
  const path = join(folder, 'new', 'shop_search.yaml');
  assert.match(readFileSync(path, 'utf8'), 'kind: VirtualService');
  const { ino } = statSync(path);
  await put(files, route);
  assert.is(statSync(path).ino, ino, 'the same file');
  await put(files, route, { v1: 9_000, v2: 1_000 });
  assert.match(readFileSync(path, 'utf8'), 'weight: 9000');
  assert.equal(readdirSync(join(folder, 'new')), ['shop_search.yaml'], 'nothing half written is left');
});

test('what is to be adopted is in a cluster, where no file reaches it', async ({ folder }) => {
  const route = routeOf('search');
  const adopting = { ...route, spec: { ...route.spec, adopt: { virtualService: 'shop' } } };
  try {
    await put(new Files(folder), adopting);
    assert.unreachable();
  } catch (error) {
    assert.is((error as InTheWay).reason, 'CannotAdopt');
  }
  assert.equal(readdirSync(folder), []);
});

test('files that Weir has not made stay', async ({ folder }) => {
  const files = new Files(folder);
  writeFileSync(join(folder, 'shop_search.yaml'), 'kind: Service\n');
  writeFileSync(join(folder, 'notes.yaml'), '');
  writeFileSync(join(folder, 'broken.yaml'), '{');
  const route = routeOf('search');
  try {
    await put(files, route);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, InTheWay);
    assert.match((error as Error).message, "shop_search.yaml is not a file of Weir's");
  }
  assert.equal(await files.orphans([]), []);
});

test('files of routes that are gone are found', async ({ folder }) => {
  const files = new Files(folder);
  for (const name of ['search', 'cart']) await put(files, routeOf(name));
  const orphans = await files.orphans([routeOf('search')]);
  assert.equal(
    orphans.map(({ name }) => name),
    [join(folder, 'shop_cart.yaml')],
  );
  for (const orphan of orphans) await orphan.remove();
  assert.equal(readdirSync(folder), ['shop_search.yaml']);
});

test('a folder that is not there has no orphans', async ({ folder }) => {
  assert.equal(await new Files(join(folder, 'none')).orphans([]), []);
});

test.run();
