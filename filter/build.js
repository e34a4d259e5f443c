/**
 * Builds the filter: debug and release, each only when a source is newer. Fails when the release outgrows what a sidecar
 * should have to hold. Plain JavaScript, since it runs before anything is compiled.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RELEASE_LIMIT_BYTES = 48 * 1024;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outputs = { debug: 'filter/build/weir.debug.wasm', release: 'filter/build/weir.wasm' };

const sources = readdirSync(join(root, 'filter'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('filter', path));
const newestMs = Math.max(
  ...[...sources, 'agent/wire/layout.ts', 'asconfig.json', 'filter/build.js'].map((path) => modifiedMs(path)),
);

mkdirSync(join(root, 'filter/build'), { recursive: true });
const asc = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin', 'asc.js');
for (const [target, output] of Object.entries(outputs)) {
  if (modifiedMs(output) > newestMs) continue;
  const built = spawnSync(process.execPath, [asc, '--target', target], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) {
    console.error(`the filter's ${target} build failed`);
    process.exit(1);
  }
}
const releaseBytes = statSync(join(root, outputs.release)).size;
if (releaseBytes >= RELEASE_LIMIT_BYTES) {
  console.error(`${outputs.release} has ${releaseBytes} bytes; the limit is ${RELEASE_LIMIT_BYTES}`);
  process.exit(1);
}

/** @param {string} path */
function modifiedMs(path) {
  const full = join(root, path);
  return existsSync(full) ? statSync(full).mtimeMs : 0;
}
