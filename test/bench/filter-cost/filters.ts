/** Builds the wasm filters that Weir's is compared with, into test/bench/filters/build, which git ignores. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../../deploy/local/root.ts';

// Relative to the package: given a configuration by its full path, asc does not find what that extends.
const folder = join('test', 'bench', 'filters');

/**
 * @param name of `NAME.ts` and `NAME.asconfig.json`
 * @returns path of the wasm file. @throws Error with what the compiler said
 */
export async function buildFilter(name: string, signal: AbortSignal): Promise<string> {
  const wasmPath = join(packageRoot, folder, 'build', `${name}.wasm`);
  mkdirSync(dirname(wasmPath), { recursive: true });
  const asc = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin', 'asc.js');
  const args = [asc, '--config', join(folder, `${name}.asconfig.json`), '--outFile', wasmPath];
  const compiler = spawn(process.execPath, args, { cwd: packageRoot, signal, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  compiler.stdout.on('data', (chunk) => (said += chunk));
  compiler.stderr.on('data', (chunk) => (said += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    compiler.once('error', reject);
    compiler.once('close', resolve);
  });
  if (code !== 0) throw new Error(`the filter ${name} could not be built:\n${said}`);
  return wasmPath;
}

/** Source of the Lua filter. */
export function luaSource(): string {
  return readFileSync(join(packageRoot, folder, 'pick.lua'), 'utf8');
}
