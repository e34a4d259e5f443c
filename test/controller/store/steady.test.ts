/** Steering goes on when the disk does not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NewDecision } from '../../../controller/decision.ts';
import { StoreError } from '../../../controller/errors.ts';
import { MemoryStore } from '../../../controller/store/memory.ts';
import { SteadyStore } from '../../../controller/store/steady.ts';

const decision = (why: string): NewDecision => ({
  atMs: 1,
  kind: 'relief',
  service: why === 'other' ? 'b:80' : 'a:80',
  group: '*',
  by: 'relief',
  from: {},
  to: {},
  why,
  evidence: {},
});

/** A store on a disk that can be full. */
class FullDisk extends MemoryStore {
  isFull = false;
  writes: string[] = [];

  override nextEpoch(above?: number): number {
    return this.written('epoch', () => super.nextEpoch(above));
  }
  override append(given: NewDecision) {
    return this.written(`append ${given.why}`, () => super.append(given));
  }
  override saveState(key: string, value: unknown): void {
    this.written(`save ${key}`, () => super.saveState(key, value));
  }
  override deleteState(key: string): void {
    this.written(`delete ${key}`, () => super.deleteState(key));
  }

  private written<T>(what: string, work: () => T): T {
    if (this.isFull) throw new StoreError('the disk is full', undefined);
    this.writes.push(what);
    return work();
  }
}

function steady() {
  const disk = new FullDisk(100);
  const said: string[] = [];
  const store = new SteadyStore(disk, {
    onCount: () => said.push('count'),
    onFailure: (error) => said.push(error.message),
    onRecovered: () => said.push('recovered'),
  });
  return { disk, said, store };
}

test('decisions on a full disk are numbered, read, and written in order once there is room', () => {
  const { disk, said, store } = steady();
  store.append(decision('one'));
  disk.isFull = true;
  assert.is(store.append(decision('two')).id, 2);
  assert.is(store.append(decision('other')).id, 3);
  assert.equal(
    store.decisions({ limit: 10 }).map((each) => each.why),
    ['other', 'two', 'one'],
  );
  assert.equal(
    store.decisions({ limit: 10, service: 'b:80' }).map((each) => each.id),
    [3],
  );
  disk.isFull = false;
  assert.is(store.append(decision('four')).id, 4);
  assert.equal(
    disk.decisions({ limit: 10 }).map((each) => [each.id, each.why]),
    [
      [4, 'four'],
      [3, 'other'],
      [2, 'two'],
      [1, 'one'],
    ],
  );
  assert.is(store.decisions({ limit: 10 }).length, 4, 'none stands twice');
  assert.is(said.filter((each) => each === 'the disk is full').length >= 1, true);
  assert.is(said.at(-1), 'recovered');
});

test('only states that changed are written, those that are gone are deleted', () => {
  const { disk, store } = steady();
  store.saveStates([
    { key: 'a', value: 1 },
    { key: 'b', value: { x: 1 } },
  ]);
  store.saveStates([
    { key: 'a', value: 1 },
    { key: 'b', value: { x: 2 } },
  ]);
  store.saveStates([{ key: 'b', value: { x: 2 } }]);
  assert.equal(disk.writes, ['save a', 'save b', 'save b', 'delete a']);
});

test('a state that could not be written is written next time', () => {
  const { disk, store } = steady();
  disk.isFull = true;
  store.saveStates([{ key: 'a', value: 1 }]);
  disk.isFull = false;
  store.saveStates([{ key: 'a', value: 1 }]);
  assert.equal(disk.states(), [{ key: 'a', value: 1 }]);
});

test('an epoch that cannot be counted is still above what an agent has heard of', () => {
  const { disk, store } = steady();
  disk.isFull = true;
  assert.is(store.nextEpoch(), 1);
  assert.is(store.nextEpoch(8), 9);
});

test('a store that fails otherwise than as a store is not hidden', () => {
  const { disk, store } = steady();
  disk.append = () => {
    throw new TypeError('a fault of ours');
  };
  assert.throws(() => store.append(decision('one')), /a fault of ours/);
});

test.run();
