/** Route files: loading, and a change on disk that is taken or refused. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadRoutes } from '../../../controller/routes/load.ts';
import { RouteError } from '../../../controller/routes/parse.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { routeSchema } from '../../../controller/routes/schema.ts';
import { RouteFiles } from '../../../controller/routes/watch.ts';

const test = suite<{ folder: string }>('route files');
const document = (name: string, port = 80) => `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: ${name} }
spec: { host: ${name}, port: ${port}, backends: [{ name: v1, cluster: ${name}-v1 }] }
`;

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-routes-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

/** Route files whose next event, of either kind, can be awaited. */
function watched(path: string): { files: RouteFiles; next: () => Promise<readonly AdaptiveRoute[] | Error> } {
  let tell: (event: readonly AdaptiveRoute[] | Error) => void = () => {};
  const files = new RouteFiles({ path, onChange: (routes) => tell(routes), onRefused: (error) => tell(error) });
  return { files, next: () => new Promise((resolve) => (tell = resolve)) };
}

test('a folder is one set of routes, in the order of file names, other files left alone', ({ folder }) => {
  writeFileSync(join(folder, 'b.yaml'), document('b'));
  writeFileSync(join(folder, 'a.yml'), document('a'));
  writeFileSync(join(folder, 'README.md'), 'not a route');
  assert.equal(
    loadRoutes(folder).map((route) => route.metadata.name),
    ['a', 'b'],
  );
});

test('a path that is not there and a folder without routes are said in a sentence', ({ folder }) => {
  assert.throws(
    () => loadRoutes(join(folder, 'none.yaml')),
    /none\.yaml, where the routes should be, cannot be read: does not exist/,
  );
  assert.throws(() => loadRoutes(folder), /holds no AdaptiveRoute document/);
});

test('a changed file is taken', async ({ folder }) => {
  const path = join(folder, 'routes.yaml');
  writeFileSync(path, document('a'));
  const { files, next } = watched(path);
  assert.is(files.start()[0]?.spec.port, 80);
  const change = next();
  // As editors and ConfigMaps do it: a new file is moved over the old one.
  writeFileSync(join(folder, 'routes.new'), document('a', 81));
  renameSync(join(folder, 'routes.new'), path);
  const routes = (await change) as readonly AdaptiveRoute[];
  files.close();
  assert.is(routes[0]?.spec.port, 81);
});

test('a wrong change is refused, and the next right one is taken', ({ folder }) => {
  const path = join(folder, 'routes.yaml');
  writeFileSync(path, document('a'));
  const events: (readonly AdaptiveRoute[] | Error)[] = [];
  const files = new RouteFiles({
    path,
    onChange: (routes) => events.push(routes),
    onRefused: (error) => events.push(error),
  });
  files.start();
  files.reload();
  assert.equal(events, [], 'nothing changed, nothing is told');
  writeFileSync(path, document('a').replace('port', 'prot'));
  files.reload();
  writeFileSync(path, document('a', 82));
  files.reload();
  files.close();
  assert.instance(events[0], RouteError);
  assert.match((events[0] as Error).message, 'spec.prot is not known; did you mean port?');
  assert.is((events[1] as readonly AdaptiveRoute[])[0]?.spec.port, 82);
  assert.is(events.length, 2);
});

test('the JSON Schema asks an editor only for what has no default', () => {
  const schema = routeSchema() as { required: string[]; properties: { spec: { required: string[] } } };
  assert.equal(schema.required, ['apiVersion', 'kind', 'metadata', 'spec']);
  assert.equal(schema.properties.spec.required, ['host', 'port']);
});

test.run();
