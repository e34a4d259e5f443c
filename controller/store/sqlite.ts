/**
 * The store in one SQLite file, the default: nothing to install, durable through WAL, small. What a decision is found by
 * has columns, the rest is its JSON, so that a new field needs no migration.
 */
import Database from 'libsql';
import type { Decision, NewDecision } from '../decision.ts';
import { StoreError } from '../errors.ts';
import type { Store } from './store.ts';

/** Each entry brings the schema from the version of its index to the next; entries are never edited, only added. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE epoch (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL);
   INSERT INTO epoch VALUES (1, 0);
   CREATE TABLE decision (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, service TEXT NOT NULL, body TEXT NOT NULL);
   CREATE INDEX decision_of_service ON decision (service, id);
   CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`,
];

/** Old decisions are cut away once in so many appends: cutting at each would double the writes. */
const CUT_EVERY = 100;
/** For how long a write waits for another process (a backup, a shell) that holds the file. */
const BUSY_MS = 1_000;

export class SqliteStore implements Store {
  private readonly db: Database.Database;
  private readonly path: string;
  private readonly maxDecisions: number;
  private appends = 0;

  /**
   * Opens or makes the file.
   * @param maxDecisions decisions kept; the oldest go first
   * @throws StoreError when it cannot be opened, is damaged, or was written by a newer release
   */
  constructor(path: string, maxDecisions: number) {
    this.path = path;
    this.maxDecisions = maxDecisions;
    this.db = this.guarded('opened', () => new Database(path));
    try {
      this.guarded('opened', () => this.prepare());
    } catch (error) {
      this.db.close();
      throw error;
    }
  }

  nextEpoch(above = 0): number {
    return this.guarded('written', () => {
      const sql = 'UPDATE epoch SET value = max(value, ?) + 1 RETURNING value';
      return (this.db.prepare(sql).get(above) as { value: number }).value;
    });
  }

  append(decision: NewDecision): Decision {
    return this.guarded('written', () => {
      const { changes, lastInsertRowid } = this.db
        .prepare('INSERT INTO decision (at_ms, service, body) VALUES (?, ?, ?)')
        .run(Math.round(decision.atMs), decision.service, JSON.stringify(decision));
      if (changes !== 1) throw new Error(`${changes} rows were inserted in place of one`);
      const id = Number(lastInsertRowid);
      this.appends += 1;
      if (this.appends % CUT_EVERY === 0) {
        this.db.prepare('DELETE FROM decision WHERE id <= ?').run(id - this.maxDecisions);
      }
      return { ...decision, id };
    });
  }

  decisions(query: {
    service?: string | undefined;
    limit: number;
    beforeId?: number | undefined;
  }): readonly Decision[] {
    return this.guarded('read', () => {
      const beforeId = query.beforeId ?? Number.MAX_SAFE_INTEGER;
      const rows =
        query.service === undefined
          ? this.db
              .prepare('SELECT id, body FROM decision WHERE id < ? ORDER BY id DESC LIMIT ?')
              .all(beforeId, query.limit)
          : this.db
              .prepare('SELECT id, body FROM decision WHERE service = ? AND id < ? ORDER BY id DESC LIMIT ?')
              .all(query.service, beforeId, query.limit);
      return (rows as { id: number; body: string }[]).map(({ id, body }) => ({
        ...(JSON.parse(body) as NewDecision),
        id,
      }));
    });
  }

  saveState(key: string, value: unknown): void {
    const sql = 'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value';
    this.guarded('written', () => this.db.prepare(sql).run(key, JSON.stringify(value ?? null)));
  }

  loadState(key: string): unknown {
    return this.guarded('read', () => {
      const row = this.db.prepare('SELECT value FROM state WHERE key = ?').get(key) as { value: string } | undefined;
      return row === undefined ? undefined : JSON.parse(row.value);
    });
  }

  states(): readonly { readonly key: string; readonly value: unknown }[] {
    return this.guarded('read', () => {
      const rows = this.db.prepare('SELECT key, value FROM state ORDER BY key').all() as {
        key: string;
        value: string;
      }[];
      return rows.map(({ key, value }) => ({ key, value: JSON.parse(value) as unknown }));
    });
  }

  deleteState(key: string): void {
    this.guarded('written', () => this.db.prepare('DELETE FROM state WHERE key = ?').run(key));
  }

  close(): void {
    this.guarded('closed', () => {
      // So that whoever copies the file has all of it; a close alone may leave the newest in the -wal file beside it.
      this.db.pragma('wal_checkpoint(TRUNCATE)');
      this.db.close();
    });
  }

  private prepare(): void {
    this.db.pragma('journal_mode = WAL');
    // What was written survives the end of this process, also by SIGKILL. A power cut may cost the last seconds, never the
    // file; FULL would sync the disk several times a tick, in the loop that steers.
    this.db.pragma('synchronous = NORMAL');
    this.db.pragma(`busy_timeout = ${BUSY_MS}`);
    const [check] = this.db.pragma('quick_check(1)') as { quick_check: string }[];
    if (check?.quick_check !== 'ok') throw damaged(check?.quick_check ?? 'no answer');
    const { user_version: version } = this.db.pragma('user_version', { simple: true }) as { user_version: number };
    if (version > MIGRATIONS.length) {
      throw new Error(`it has schema ${version}, written by a newer release; this one knows ${MIGRATIONS.length}`);
    }
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index >= version) this.db.exec(`BEGIN; ${sql} PRAGMA user_version = ${index + 1}; COMMIT;`);
    }
  }

  private guarded<T>(what: 'opened' | 'read' | 'written' | 'closed', work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new StoreError(`the store ${this.path} could not be ${what}: ${(cause as Error).message}`, cause);
    }
  }
}

/** Whether the file itself is broken, so that a new one is the way on; not where a disk or a permission is. */
export function isDamaged(error: unknown): boolean {
  const code = ((error as Error).cause as { code?: unknown } | undefined)?.code;
  return code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB';
}

function damaged(detail: string): Error {
  return Object.assign(new Error(`its check failed: ${detail}`), { code: 'SQLITE_CORRUPT' });
}
