/** Tables in force: whose word counts, and for how long. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TablesInForce } from '../../../agent/tables/in-force.ts';
import { DEFAULT_TABLE_TTL_MS } from '../../../controller/wire/messages.ts';
import { HandClock } from '../../support/clock.ts';
import { tablesOf } from '../sketch.ts';

interface Context {
  clock: HandClock;
  tables: TablesInForce;
  seen: string[];
}

const test = suite<Context>('tables in force');

test.before.each((context) => {
  const clock = new HandClock();
  const seen: string[] = [];
  const tables = new TablesInForce(clock, {
    changed: () => seen.push('changed'),
    refreshed: () => seen.push('refreshed'),
    expired: (ageMs) => seen.push(`expired ${ageMs}`),
    revived: () => seen.push('revived'),
  });
  Object.assign(context, { clock, seen, tables });
});

test('nothing is in force before the first tables', ({ tables }) => {
  assert.is(tables.newest, undefined);
  assert.is(tables.hasFresh(), false);
  assert.is(tables.remainingMs(), 0);
  assert.is(tables.ttlMs(), DEFAULT_TABLE_TTL_MS);
  assert.is(tables.ageMs(), Number.POSITIVE_INFINITY);
});

test('newer tables are taken, the same again only refresh, older ones of the epoch are refused', ({ tables, seen }) => {
  assert.is(tables.accept(tablesOf(1)), 'taken');
  assert.is(tables.accept(tablesOf(3)), 'taken');
  assert.is(tables.accept(tablesOf(3)), 'same');
  assert.is(tables.accept(tablesOf(2)), 'refused');
  assert.is(tables.newest?.number, 3);
  assert.equal(seen, ['changed', 'changed']);
});

test('a higher epoch wins whatever its number, a lower one is refused', ({ tables }) => {
  tables.accept(tablesOf(9));
  assert.is(tables.accept(tablesOf(1, [], { epoch: 6 })), 'taken');
  assert.is(tables.accept(tablesOf(10)), 'refused');
  assert.is(tables.admit(5), false);
  assert.is(tables.highestEpoch, 6);
});

test('a welcome of a higher epoch is enough to refuse the lower one', ({ tables }) => {
  tables.accept(tablesOf(1));
  assert.is(tables.admit(6), true);
  assert.is(tables.accept(tablesOf(2)), 'refused');
});

test('when nothing was heard for a whole ttl a lower epoch is obeyed again', ({ clock, tables }) => {
  tables.accept(tablesOf(1, [], { ttlMs: 10_000 }));
  clock.advance(9_999);
  assert.is(tables.admit(4), false);
  clock.advance(1);
  assert.is(tables.accept(tablesOf(1, [], { epoch: 4 })), 'taken');
});

test('the age counts from the last word, and past the ttl they are too old, once', ({ clock, tables, seen }) => {
  tables.accept(tablesOf(1, [], { ttlMs: 10_000 }));
  clock.advance(9_000);
  tables.hear();
  clock.advance(9_999);
  assert.is(tables.remainingMs(), 1);
  assert.is(tables.hasFresh(), true);
  clock.advance(1);
  assert.is(tables.hasFresh(), false);
  clock.advance(60_000);
  assert.equal(seen, ['changed', 'refreshed', 'expired 10000', 'changed']);
});

test('the next word makes tables good again that were too old', ({ clock, tables, seen }) => {
  tables.accept(tablesOf(1, [], { ttlMs: 10_000 }));
  clock.advance(10_000);
  seen.length = 0;
  tables.hear();
  assert.is(tables.hasFresh(), true);
  assert.equal(seen, ['revived', 'changed']);
});

test('what was kept is taken up with its age, by the wall clock', ({ clock, tables }) => {
  tables.restore({
    highestEpoch: 7,
    lastWordWallMs: clock.wallMs() - 4_000,
    tables: tablesOf(1, [], { ttlMs: 10_000 }),
  });
  assert.is(tables.remainingMs(), 6_000);
  assert.is(tables.admit(6), false);
  clock.advance(6_000);
  assert.is(tables.hasFresh(), false);
});

test('what was kept for too long is known but not fresh', ({ clock, tables, seen }) => {
  tables.restore({ highestEpoch: 5, lastWordWallMs: clock.wallMs() - 90_000, tables: tablesOf(1) });
  assert.is(tables.hasFresh(), false);
  assert.is(tables.newest?.number, 1);
  assert.equal(seen, ['expired 90000']);
});

test('a wall clock that was set back makes what was kept young, never older than it is', ({ clock, tables }) => {
  tables.restore({ highestEpoch: 5, lastWordWallMs: clock.wallMs() + 1e9, tables: tablesOf(1) });
  assert.is(tables.ageMs(), 0);
});

test('what is kept says when the last word came', ({ clock, tables }) => {
  tables.accept(tablesOf(1));
  const atMs = clock.wallMs();
  clock.advance(3_000);
  assert.is(tables.kept().lastWordWallMs, atMs);
  assert.is(tables.kept().highestEpoch, 5);
});

test.run();
