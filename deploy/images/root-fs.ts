/** A root file system as a folder of this machine, for tools that make images of folders. */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, inOrder, MODES } from './entries.ts';
import { CannotBuild } from './errors.ts';

/** @throws CannotBuild when something is there already */
export function writeRootFs(folder: string, entries: readonly Entry[]): void {
  if (existsSync(folder)) throw new CannotBuild(`${folder} is there already; name another folder, or remove it`);
  mkdirSync(folder, { recursive: true });
  for (const entry of inOrder(entries)) {
    const path = join(folder, entry.path);
    if (entry.kind === 'folder') mkdirSync(path, { mode: MODES.folder });
    else if (entry.kind === 'link') symlinkSync(entry.target, path);
    else {
      writeFileSync(path, entry.bytes);
      // Whatever the umask is here.
      chmodSync(path, entry.isExecutable ? MODES.program : MODES.file);
    }
  }
}
