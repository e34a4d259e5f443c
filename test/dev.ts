/**
 * The loop from an edit to its tests: tsc watches, and when it has emitted, the suites of the folders that changed run.
 * An edit of the filter (AssemblyScript) builds the wasm again first. Ctrl-C ends it.
 */
import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const rooms = ['filter', 'agent', 'controller', 'models', 'deploy', 'test'];
const QUIET_MS = 300;

const changed = new Set<string>();
let isRunning = false;
let timer: NodeJS.Timeout | undefined;

const compilerPackage = createRequire(import.meta.url).resolve('typescript/package.json');
spawn(
  process.execPath,
  [join(dirname(compilerPackage), 'bin', 'tsc'), '-p', 'tsconfig.json', '--watch', '--preserveWatchOutput'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);

for (const room of rooms) {
  watch(join(root, room), { recursive: true }, (_event, file) => {
    if (!file?.endsWith('.ts')) return;
    changed.add(suiteWord(join(room, file)));
    // The compiler needs a moment to emit what the editor wrote; more edits start the wait again.
    clearTimeout(timer);
    timer = setTimeout(() => void runChanged(), QUIET_MS + 1_000);
  });
}
process.stdout.write('watching; save a file and the suites of its folder run\n');

/** A changed suite runs alone; a changed source runs the suites of its folder, or of the nearest one above that has some. */
function suiteWord(path: string): string {
  if (path.endsWith('.test.ts')) return path;
  if (path.startsWith('test/')) return join('test', 'house');
  let folder = dirname(path);
  while (folder !== '.' && !existsSync(join(root, 'test', folder))) folder = dirname(folder);
  return join('test', folder);
}

async function runChanged(): Promise<void> {
  if (isRunning || changed.size === 0) return;
  isRunning = true;
  const words = [...changed];
  changed.clear();
  if (words.includes(join('test', 'filter'))) await run(['filter/build.js']);
  await run(['dist/test/run.js', ...words]);
  isRunning = false;
  if (changed.size > 0) void runChanged();
}

function run(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return new Promise((resolve) => child.once('close', () => resolve()));
}
