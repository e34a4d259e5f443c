/** The contract of the store, run over every implementation. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NewDecision } from '../../controller/decision.ts';
import { MemoryStore } from '../../controller/store/memory.ts';
import { SqliteStore } from '../../controller/store/sqlite.ts';
import type { Store } from '../../controller/store/store.ts';

const MAX_DECISIONS = 200;

interface Implementation {
  readonly name: string;
  open(folder: string): Store;
  /** Whether what was written is there when it is opened again. */
  readonly isDurable: boolean;
}

const implementations: readonly Implementation[] = [
  { name: 'memory', open: () => new MemoryStore(MAX_DECISIONS), isDurable: false },
  { name: 'sqlite', open: (folder) => new SqliteStore(join(folder, 'weir.db'), MAX_DECISIONS), isDurable: true },
];

const decision = (service: string, atMs = 1_767_225_600_000): NewDecision => ({
  atMs,
  kind: 'verdict',
  service,
  group: 'zone-a',
  by: 'inverse-latency',
  from: { v1: 5_000, v2: 5_000 },
  to: { v1: 7_500, v2: 2_500 },
  why: 'v2 answers in 80 ms, v1 in 20 ms; "quoted", ümlaut, → and \n kept',
  trial: { id: 7, stage: 3, stages: 3, share: 1 },
  predictedLossMs: 34.5,
  measuredLossMs: 31,
  verdict: 'kept',
  evidence: { calls: 120, arms: [{ arm: 'trial', p99Ms: 12.25 }], none: null },
});

for (const { name, open, isDurable } of implementations) {
  const test = suite<{ folder: string; store: Store }>(`store ${name}`);
  test.before.each((context) => {
    context.folder = mkdtempSync(join(tmpdir(), 'weir-store-'));
    context.store = open(context.folder);
  });
  test.after.each(({ folder, store }) => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('epochs count from 1, and above what a caller has heard of', ({ store }) => {
    assert.equal([store.nextEpoch(), store.nextEpoch(), store.nextEpoch(41), store.nextEpoch(3)], [1, 2, 42, 43]);
  });

  test('a decision comes back as it went in, with its number', ({ store }) => {
    const numbered = store.append(decision('a:80'));
    assert.is(numbered.id, 1);
    assert.equal(numbered, { ...decision('a:80'), id: 1 });
    assert.equal(store.decisions({ limit: 10 }), [numbered]);
  });

  test('decisions are read newest first, by service, and paged', ({ store }) => {
    for (const service of ['a:80', 'b:80', 'a:80', 'b:80', 'a:80']) store.append(decision(service));
    const ids = (query: Parameters<Store['decisions']>[0]) => store.decisions(query).map((each) => each.id);
    assert.equal(ids({ limit: 2 }), [5, 4]);
    assert.equal(ids({ limit: 2, beforeId: 4 }), [3, 2]);
    assert.equal(ids({ limit: 10, service: 'a:80' }), [5, 3, 1]);
    assert.equal(ids({ limit: 10, service: 'a:80', beforeId: 5 }), [3, 1]);
    assert.equal(ids({ limit: 10, service: "'; DROP TABLE decision; --" }), []);
  });

  test('old decisions go, the newest stay, numbers go on', ({ store }) => {
    for (let count = 0; count < 3 * MAX_DECISIONS; count++) store.append(decision('a:80', count));
    const kept = store.decisions({ limit: 10 * MAX_DECISIONS });
    assert.is(kept[0]?.id, 3 * MAX_DECISIONS);
    assert.ok(kept.length >= MAX_DECISIONS && kept.length <= 2 * MAX_DECISIONS, `${kept.length} are kept`);
  });

  test('state is kept by key, replaced, listed and deleted', ({ store }) => {
    store.saveState('desk|b:80|*', { weights: { v1: 10_000 } });
    store.saveState('desk|a:80|*', [1, 'two', null]);
    store.saveState('desk|a:80|*', { now: 'this' });
    assert.equal(store.loadState('desk|a:80|*'), { now: 'this' });
    assert.is(store.loadState('nothing'), undefined);
    assert.equal(store.states(), [
      { key: 'desk|a:80|*', value: { now: 'this' } },
      { key: 'desk|b:80|*', value: { weights: { v1: 10_000 } } },
    ]);
    store.deleteState('desk|a:80|*');
    store.deleteState('never there');
    assert.is(store.states().length, 1);
  });

  if (isDurable) {
    test('everything is there when it is opened again', (context) => {
      context.store.nextEpoch();
      context.store.append(decision('a:80'));
      context.store.saveState('key', { value: 1 });
      context.store.close();
      context.store = open(context.folder);
      assert.is(context.store.nextEpoch(), 2);
      assert.equal(context.store.decisions({ limit: 5 }), [{ ...decision('a:80'), id: 1 }]);
      assert.equal(context.store.states(), [{ key: 'key', value: { value: 1 } }]);
      assert.is(context.store.append(decision('a:80')).id, 2);
    });

    test('what was written is there for another process, before it is closed', ({ store, folder }) => {
      store.append(decision('a:80'));
      const second = open(folder);
      assert.is(second.decisions({ limit: 5 }).length, 1);
      second.close();
    });
  }

  test.run();
}
