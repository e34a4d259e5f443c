/** Where the package lies. Found by walking up to package.json: this file runs from dist/ and from an installed package alike. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of package.json. */
export const packageRoot = findRoot(dirname(fileURLToPath(import.meta.url)));

/** Folder of the compiled program that this file belongs to: programs are started from the same build. */
export const buildRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const above = dirname(folder);
  if (above === folder) throw new Error(`no package.json above ${fileURLToPath(import.meta.url)}`);
  return findRoot(above);
}
