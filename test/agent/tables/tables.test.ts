/** Tables on a real disk: what a restart knows, and that no file and no disk can hurt it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createNotices } from '../../../agent/log.ts';
import { Tables } from '../../../agent/tables/tables.ts';
import { decodeTable, NO_VIEW, tableMessage } from '../../../agent/wire/table.ts';
import { HandClock } from '../../support/clock.ts';
import { listening, type Said } from '../listening.ts';
import { serviceOf, tablesOf } from '../sketch.ts';

interface Life {
  readonly tables: Tables;
  readonly said: Said[];
  readonly seen: string[];
}

interface Context {
  clock: HandClock;
  stateDir: string;
  /** Another life of the agent, with the same disk and the same wall clock. */
  live: (writeDelayMs?: number) => Promise<Life>;
  cleanUp: () => Promise<void>;
}

const test = suite<Context>('tables');
const viewer = { workload: 'web', namespace: 'shop', zone: 'zone-a' };
const services = [serviceOf('shop'), serviceOf('bank')];

test.before.each((context) => {
  const clock = new HandClock();
  const stateDir = mkdtempSync(join(tmpdir(), 'weir-agent-'));
  const lives: Tables[] = [];
  const live = async (writeDelayMs = 0) => {
    const { log, said } = listening();
    const seen: string[] = [];
    const tables = new Tables({
      stateDir,
      writeDelayMs,
      clock,
      log,
      notices: createNotices(log, clock.nowMs),
      count: {
        stateErrors: () => seen.push('state error'),
        tableFaults: (count) => seen.push(`${count} faults`),
        epochsRefused: () => seen.push('epoch refused'),
      },
      onChange: () => seen.push('change'),
      onRefresh: () => seen.push('refresh'),
    });
    lives.push(tables);
    await tables.open();
    return { tables, said, seen };
  };
  // A write that the clock began may still be under way: closing waits for it.
  const cleanUp = async () => {
    for (const tables of lives) await tables.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  Object.assign(context, { clock, stateDir, live, cleanUp });
});
test.after.each(({ cleanUp }) => cleanUp());

test('a first day knows nothing and steers nobody', async ({ live }) => {
  const { tables } = await live();
  assert.is(tables.hasAny(), false);
  assert.equal(tables.viewFor(viewer), NO_VIEW);
  assert.equal(tables.version(), { tableEpoch: 0, tableNumber: 0 });
  assert.is(tables.holdMs(), 20_000);
});

test('a restart takes up tables, epoch and calls, and gives the same views the same ids', async ({ clock, live }) => {
  const first = await live();
  await first.tables.accept(tablesOf(3, services));
  first.tables.learn(viewer, ['shop-a']);
  const { viewId, serviceCount } = first.tables.viewFor(viewer);
  assert.is(serviceCount, 1);
  await first.tables.close();
  clock.advance(5_000);
  const second = await live();
  assert.is(second.tables.hasAny(), true);
  assert.equal(second.tables.version(), { tableEpoch: 5, tableNumber: 3 });
  assert.is(second.tables.viewFor(viewer).viewId, viewId);
  assert.is(second.tables.remainingMs(), 55_000);
  assert.is(second.tables.admits(4), false);
  assert.equal(second.seen, ['epoch refused']);
  await second.tables.close();
});

test('a life that was killed left what it had acknowledged', async ({ live }) => {
  const first = await live();
  await first.tables.accept(tablesOf(3, services));
  const second = await live();
  assert.equal(second.tables.version(), { tableEpoch: 5, tableNumber: 3 });
  assert.is(second.tables.hasFresh(), true);
});

test('filters have new tables before the disk, which has them soon after', async ({ clock, stateDir, live }) => {
  const { tables } = await live(100);
  const accepted = tables.accept(tablesOf(3, services));
  assert.is(tables.viewFor(viewer).serviceCount, 2);
  clock.advance(99);
  await turn();
  assert.not(readdirSync(stateDir).includes('tables'));
  clock.advance(1);
  assert.is(await accepted, 'taken');
  assert.ok(readdirSync(stateDir).includes('tables'));
});

test('closing writes at once what waits for its turn', async ({ live }) => {
  const first = await live(100);
  void first.tables.accept(tablesOf(3, services));
  void first.tables.accept(tablesOf(4, services));
  await turn();
  await first.tables.close();
  const second = await live();
  assert.equal(second.tables.version(), { tableEpoch: 5, tableNumber: 4 });
});

test('tables whose ttl ended between two lives are known but give no view, until the next word', async ({
  clock,
  live,
}) => {
  const first = await live();
  await first.tables.accept(tablesOf(3, services));
  await first.tables.close();
  clock.advance(60_000);
  const { tables, seen } = await live();
  assert.is(tables.hasAny(), true);
  assert.equal(tables.viewFor(viewer), NO_VIEW);
  tables.hear();
  assert.is(tables.viewFor(viewer).serviceCount, 2);
  assert.equal(seen, ['change']);
});

test('other weights under a version that was there before are taken, as from a controller that lost its store', async ({
  live,
}) => {
  const { tables, seen } = await live();
  await tables.accept(tablesOf(1, services));
  const { viewId } = tables.viewFor(viewer);
  assert.is(await tables.accept(tablesOf(1, structuredClone(services))), 'same');
  assert.is(tables.viewFor(viewer).viewId, viewId);
  assert.is(await tables.accept(tablesOf(1, services.slice(1))), 'taken');
  assert.is(tables.viewFor(viewer).serviceCount, 1);
  assert.is(await tables.accept(tablesOf(2, services)), 'taken');
  assert.is(await tables.accept(tablesOf(1, services.slice(1))), 'refused');
  assert.is(tables.viewFor(viewer).serviceCount, 2);
  assert.equal(seen, ['change', 'change', 'change']);
  await tables.close();
});

test('when the ttl ends there is no view, and it is said', async ({ clock, live }) => {
  const { tables, seen, said } = await live();
  await tables.accept(tablesOf(1, services));
  clock.advance(60_000);
  assert.equal(tables.viewFor(viewer), NO_VIEW);
  assert.equal(decodeTable(tableMessage(tables.viewFor(viewer), tables.remainingMs())).services, []);
  assert.equal(seen, ['change', 'change']);
  assert.ok(said.some(({ event }) => event === 'tables_expired'));
  await tables.close();
});

test('a controller that is back after a silence refreshes what filters hold', async ({ clock, live }) => {
  const { tables, seen } = await live();
  await tables.accept(tablesOf(1, services));
  clock.advance(30_000);
  tables.hear();
  assert.equal(seen, ['change', 'refresh']);
  assert.is(tables.holdMs(), 250);
  clock.advance(1_000);
  assert.is(tables.holdMs(), 20_000);
  await tables.close();
});

test('a short ttl shortens how long requests are held', async ({ live }) => {
  const { tables } = await live();
  await tables.accept(tablesOf(1, services, { ttlMs: 9_000 }));
  assert.is(tables.holdMs(), 3_000);
  await tables.close();
});

test('a faulty service is said and counted, the rest is steered', async ({ live }) => {
  const { tables, seen, said } = await live();
  await tables.accept(
    tablesOf(1, [serviceOf('bad', { backends: serviceOf('bad').backends.slice(1) }), serviceOf('shop')]),
  );
  assert.is(tables.viewFor(viewer).serviceCount, 1);
  assert.ok(seen.includes('1 faults'));
  assert.ok(said.some(({ sentence }) => sentence.includes('bad for group * is not steered: its weights sum to 5000')));
  await tables.close();
});

for (const kind of ['tables', 'word', 'called']) {
  test(`a '${kind}' file that is damaged is ignored with a warning, and the next is written over it`, async ({
    live,
    stateDir,
  }) => {
    const first = await live();
    await first.tables.accept(tablesOf(3, services));
    first.tables.learn(viewer, ['shop-a']);
    await first.tables.close();
    const path = join(stateDir, kind);
    const whole = readFileSync(path);
    for (const damage of [
      whole.subarray(0, whole.length - 1),
      whole.subarray(0, 10),
      Buffer.alloc(0),
      Buffer.from('noise'),
    ]) {
      writeFileSync(path, damage);
      const { tables, said } = await live();
      assert.ok(said.some(({ event }) => event === 'state_ignored'));
      assert.is(tables.hasAny(), kind === 'called');
    }
    const again = await live();
    await again.tables.accept(tablesOf(4, services));
    again.tables.learn(viewer, ['bank-a']);
    await again.tables.close();
    const last = await live();
    assert.is(last.said.filter(({ event }) => event === 'state_ignored').length, 0);
    assert.is(last.tables.version().tableNumber, 4);
  });
}

test('a file that vouches for itself but holds something else is ignored', async ({ live, stateDir }) => {
  const first = await live();
  await first.tables.accept(tablesOf(3, services));
  await first.tables.close();
  const word = readFileSync(join(stateDir, 'word'), 'latin1');
  writeFileSync(join(stateDir, 'tables'), word.replace('weir word', 'weir tables'), 'latin1');
  const { tables, said } = await live();
  assert.is(tables.hasAny(), false);
  assert.ok(said.some(({ event }) => event === 'state_ignored'));
});

test('a disk that takes nothing costs the memory of the next life and nothing else', async ({ live, stateDir }) => {
  const first = await live();
  rmSync(stateDir, { recursive: true });
  writeFileSync(stateDir, 'a file where the folder was');
  assert.is(await first.tables.accept(tablesOf(3, services)), 'taken');
  assert.is(first.tables.viewFor(viewer).serviceCount, 2);
  assert.ok(first.seen.includes('state error'));
  assert.is(first.said.filter(({ event }) => event === 'state_not_kept').length, 1);
  rmSync(stateDir);
  mkdirSync(stateDir);
  await first.tables.accept(tablesOf(4, services));
  assert.ok(first.said.some(({ event }) => event === 'state_not_kept_over'));
  await first.tables.close();
});

test('the last word is written with tables of another epoch only, and the next life still has the newest', async ({
  live,
  stateDir,
}) => {
  const { tables } = await live();
  const fileOf = (name: string) => statSync(join(stateDir, name)).ino;
  await tables.accept(tablesOf(3, services));
  const [word, first] = [fileOf('word'), fileOf('tables')];
  await tables.accept(tablesOf(4, services));
  assert.is(fileOf('word'), word);
  assert.is.not(fileOf('tables'), first);
  const second = await live();
  assert.equal(second.tables.version(), { tableEpoch: 5, tableNumber: 4 });
  await tables.accept({ ...tablesOf(1, services), epoch: 6 });
  assert.is.not(fileOf('word'), word);
  const third = await live();
  assert.is(third.tables.admits(5), false);
});

test('no half-written file is left behind', async ({ live, stateDir }) => {
  const { tables } = await live();
  for (let number = 1; number <= 20; number++) void tables.accept(tablesOf(number, services));
  await tables.accept(tablesOf(21, services));
  await tables.close();
  assert.equal(readdirSync(stateDir).sort(), ['tables', 'word']);
});

test.run();
