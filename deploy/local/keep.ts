/** The folder of a demo: where everything is written while it runs, and what of it is left afterwards. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const KINDS = ['steered', 'unsteered'];

export interface DemoFolder {
  readonly path: string;
  /** Whether it was asked for, and so is kept as it is. */
  readonly isAsked: boolean;
  /** Removes it, unless it was asked for. */
  discard(): void;
}

/** @param asked of --keep-logs; without it, a new folder for temporary files */
export function folderFor(asked: string | undefined): DemoFolder {
  if (asked === undefined) {
    const path = mkdtempSync(join(tmpdir(), 'weir-demo-'));
    return { path, isAsked: false, discard: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
  }
  const path = resolve(asked);
  // Logs are appended to and the store is read at start: what an earlier run left would be taken for this one's.
  for (const kind of KINDS) rmSync(join(path, kind), { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return { path, isAsked: true, discard: () => {} };
}

/** After a demo that went well: keeps everything that was asked for, or else the controller's log alone. */
export function keepWanted(folder: DemoFolder, isSteered: boolean, say: (line: string) => void): void {
  if (folder.isAsked) {
    say(`everything is kept in ${folder.path}`);
    return;
  }
  const log = join(folder.path, 'steered', 'controller.log');
  if (!isSteered || !existsSync(log)) {
    folder.discard();
    return;
  }
  const kept = join(folder.path, 'controller.log');
  cpSync(log, kept);
  for (const kind of KINDS) rmSync(join(folder.path, kind), { recursive: true, force: true });
  say(`what the controller saw, decided and why: ${kept}`);
}
