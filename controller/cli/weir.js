#!/usr/bin/env node
/**
 * The weir command. In a checkout it first compiles what is older than its sources, so that `npm start` on a fresh clone is
 * all there is to do; in an installed package there is nothing to compile. Plain JavaScript, since it runs before tsc has.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const compiled = join(root, 'dist', 'controller', 'cli', 'main.js');
// tsc writes nothing when a touched file means the same, so a build leaves its own mark.
const mark = join(root, 'dist', '.weir-built');

if (existsSync(join(root, 'tsconfig.json')) && builtMs() < newestSourceMs()) build();
await import(compiled);

function build() {
  process.stderr.write('weir: compiling, as sources are newer than dist\n');
  const beganMs = Date.now();
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  for (const args of [[join(root, 'filter', 'build.js')], [tsc, '-p', join(root, 'tsconfig.json')]]) {
    // Standard output belongs to the command that was asked for.
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status === 0) continue;
    process.stderr.write('weir: the build failed; mend what is named above, or run npm run check\n');
    process.exit(1);
  }
  writeFileSync(mark, `${new Date(beganMs).toISOString()}\n`);
}

function builtMs() {
  return existsSync(compiled) ? Math.max(modifiedMs(mark), modifiedMs(join(root, 'dist', '.tsbuildinfo'))) : 0;
}

function newestSourceMs() {
  const sources = ['filter', 'agent', 'controller', 'models', 'deploy', 'test'].flatMap((room) =>
    existsSync(join(root, room))
      ? readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
          .filter((path) => path.endsWith('.ts'))
          .map((path) => join(root, room, path))
      : [],
  );
  return Math.max(...[...sources, join(root, 'tsconfig.json')].map(modifiedMs));
}

/** @param {string} path */
function modifiedMs(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}
