/** What an image carries of the code: what its program imports, and nothing that only somebody else does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PROGRAMS, type Program } from '../../../deploy/images/images.ts';
import { imagePackageJson, packageJson } from '../../../deploy/images/packages.ts';
import { neededBy } from '../../../deploy/images/trace.ts';
import { buildRoot } from '../../../deploy/local/root.ts';

const test = suite('what an image needs');
let folder: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-trace-'));
  const modules = {
    'main.js': "import { a } from './a.js';\nexport { b } from '@scope/b/deep';\nconst c = () => import('./c.js');",
    'a.js': "import 'node:fs';\nimport plain from 'plain/part';\n// import './not-an-import.js'\nimport './main.js';",
    'c.js': "import 'late';",
    'computed.js': 'export const load = (name) => import(name);',
  };
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('imports are followed, circles included, and packages are named without what is inside them', async () => {
  assert.equal(await neededBy(folder, 'main.js', () => true), {
    modules: ['a.js', 'c.js', 'main.js'],
    packages: ['@scope/b', 'late', 'plain'],
  });
});

test('what is imported only when it is come to is left out where the image says so', async () => {
  assert.equal(await neededBy(folder, 'main.js', (module) => module !== 'main.js'), {
    modules: ['a.js', 'main.js'],
    packages: ['@scope/b', 'plain'],
  });
});

test('an import that is computed, or of a module that is not there, is refused by name', async () => {
  const refusal = async (entry: string) =>
    neededBy(folder, entry, () => true).then(String, (error: Error) => error.message);
  assert.match(await refusal('computed.js'), 'computed.js computes what it imports (import(name))');
  assert.match(await refusal('gone.js'), 'gone.js cannot be read; npm run build makes it');
});

const needed = ({ isFollowed }: Program) => neededBy(buildRoot, 'controller/cli/main.js', isFollowed);

test('the controller carries its own code, no mesh of Envoys and no tests', async () => {
  const { modules, packages } = await needed(PROGRAMS.controller);
  for (const module of ['controller/main.js', 'controller/cluster.js', 'agent/main.js'])
    assert.ok(modules.includes(module));
  for (const room of ['test/', 'deploy/images/', 'deploy/local/mesh/']) {
    assert.equal(
      modules.filter((module) => module.startsWith(room)),
      [],
    );
  }
  for (const name of ['@kubernetes/client-node', 'fastify', 'libsql']) assert.ok(packages.includes(name), name);
});

test('the agent carries none of what only the controller needs', async () => {
  const { modules, packages } = await needed(PROGRAMS.agent);
  assert.ok(modules.includes('agent/main.js'));
  assert.equal(
    modules.filter((module) => /^(test|deploy)\/|^controller\/(api|cluster|main|publish|steer|store)/.test(module)),
    [],
  );
  for (const name of ['@kubernetes/client-node', '@kubernetes-models/istio', 'fastify', 'libsql']) {
    assert.not.ok(packages.includes(name), name);
  }
});

test('every package that an image needs is a dependency, and one that is not is refused', async () => {
  for (const program of Object.values(PROGRAMS)) {
    const { packages } = await needed(program);
    assert.equal(Object.keys(JSON.parse(imagePackageJson(packages)).dependencies), packages);
  }
  assert.throws(
    () => imagePackageJson(['uvu']),
    /uvu is imported by what an image runs, and is not among dependencies/,
  );
});

test('of whatever the npm package carries it is decided whether the controller does', () => {
  // Code is what imports lead to; deploy/ is for whoever installs.
  const decided = [
    'dist',
    'deploy',
    ...PROGRAMS.controller.files.map((path) => path.replace(/[^/]+\.wasm$/, '*.wasm')),
  ];
  assert.equal([...packageJson.files].sort(), decided.sort());
});

test.run();
