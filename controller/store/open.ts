/**
 * The store for a path, whatever state the disk is in: a controller that does not start because of its log book steers nobody.
 * A damaged file is moved aside for whoever wants to look, and a new one begun; a disk that does not serve at all is
 * replaced by memory. Both are said aloud.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { MemoryStore } from './memory.ts';
import { isDamaged, SqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';

/** Some weeks of a busy mesh, about 100 MB. */
export const MAX_DECISIONS = 100_000;

export type Warn = (event: string, message: string, facts: Record<string, unknown>) => void;

/** @param path a file, or ':memory:' */
export function openStore(path: string, wallMs: number, warn: Warn): Store {
  if (path === ':memory:') return new MemoryStore(MAX_DECISIONS);
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openOrBeginAnew(path, wallMs, warn);
  } catch (error) {
    const { message } = error as Error;
    warn('store_unusable', `${message}; going on in memory: nothing will survive a restart`, { path });
    return new MemoryStore(MAX_DECISIONS);
  }
}

function openOrBeginAnew(path: string, wallMs: number, warn: Warn): Store {
  try {
    return new SqliteStore(path, MAX_DECISIONS);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const stamp = new Date(wallMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const aside = `${path}.corrupt-${stamp}`;
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    warn(
      'store_damaged',
      `${(error as Error).message}; moved aside to ${aside} and begun anew, with no memory of what was`,
      {
        path,
        aside,
      },
    );
    return new SqliteStore(path, MAX_DECISIONS);
  }
}
