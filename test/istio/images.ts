/** Images as `npm run images` builds them, by the command itself. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildRoot } from '../../deploy/local/root.ts';

/** @returns digests of the manifests, by name @throws Error with what it complained of */
export function buildImages(output: string, ...args: readonly string[]): Readonly<Record<string, string>> {
  const main = join(buildRoot, 'deploy', 'images', 'main.js');
  const said = execFileSync(process.execPath, [main, '--output', output, ...args], { encoding: 'utf8' });
  process.stdout.write(said);
  return Object.fromEntries(
    [...said.matchAll(/^(\S+)@(sha256:\S+) is in /gm)].map(([, name = '', digest = '']) => [name, digest]),
  );
}
