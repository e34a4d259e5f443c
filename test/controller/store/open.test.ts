/** A store opens in whatever state the disk is. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryStore } from '../../../controller/store/memory.ts';
import { openStore } from '../../../controller/store/open.ts';
import { SqliteStore } from '../../../controller/store/sqlite.ts';

const test = suite<{ folder: string; warnings: string[] }>('open store');
const WALL_MS = Date.UTC(2026, 10, 24, 15, 4, 5, 678);

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'weir-open-'));
  context.warnings = [];
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

const open = (path: string, warnings: string[]) =>
  openStore(path, WALL_MS, (event, message) => void warnings.push(`${event}: ${message}`));

test('a file in a folder that is not there yet is made', ({ folder, warnings }) => {
  const store = open(join(folder, 'data', 'weir.db'), warnings);
  assert.instance(store, SqliteStore);
  store.close();
  assert.equal(warnings, []);
});

test('no file is asked for: memory, and nothing to warn of', ({ warnings }) => {
  assert.instance(open(':memory:', warnings), MemoryStore);
  assert.equal(warnings, []);
});

test('a file that is no database is moved aside, kept, and a new one begun', ({ folder, warnings }) => {
  const path = join(folder, 'weir.db');
  const garbage = 'these bytes were a disk once '.repeat(400);
  writeFileSync(path, garbage);
  const store = open(path, warnings);
  assert.is(store.nextEpoch(), 1);
  store.close();
  const aside = readdirSync(folder).find((file) => file.startsWith('weir.db.corrupt-'));
  assert.is(aside, 'weir.db.corrupt-20261124T150405Z');
  assert.is(readFileSync(join(folder, aside ?? ''), 'utf8'), garbage);
  assert.is(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /^store_damaged: the store .*weir\.db could not be opened: .*moved aside to .*begun anew/,
  );
});

test('a database with damaged pages is moved aside too', ({ folder, warnings }) => {
  const path = join(folder, 'weir.db');
  const first = open(path, warnings);
  for (let count = 0; count < 200; count++) first.saveState(`key ${count}`, { text: 'x'.repeat(100) });
  first.close();
  const bytes = readFileSync(path);
  bytes.fill(0x41, 4_096, bytes.length);
  writeFileSync(path, bytes);
  const store = open(path, warnings);
  assert.equal(store.states(), []);
  store.close();
  assert.match(warnings.join('\n'), /^store_damaged/);
});

test('a path that cannot be a file leads to memory and a sentence', ({ folder, warnings }) => {
  mkdirSync(join(folder, 'weir.db'));
  assert.instance(open(join(folder, 'weir.db'), warnings), MemoryStore);
  assert.match(warnings[0] ?? '', /^store_unusable: .*going on in memory: nothing will survive a restart$/);
});

test('a file of a newer release is left as it is', ({ folder, warnings }) => {
  const path = join(folder, 'weir.db');
  open(path, warnings).close();
  const db = new Database(path);
  db.pragma('user_version = 99');
  db.close();
  assert.instance(open(path, warnings), MemoryStore);
  assert.match(warnings[0] ?? '', /it has schema 99, written by a newer release; this one knows 1/);
  assert.equal(
    readdirSync(folder).filter((file) => file.includes('corrupt')),
    [],
  );
});

test.run();
