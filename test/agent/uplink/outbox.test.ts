/** The outbox keeps the newest in order and forgets no loss; the backoff grows and is never the same for two. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backoffMs, LONGEST_BACKOFF_MS } from '../../../agent/uplink/backoff.ts';
import { Outbox } from '../../../agent/uplink/outbox.ts';
import { seeded } from '../../support/random.ts';
import { reportOf } from '../sketch.ts';

const waiting = (sequence: number, bytes = 100) => ({ report: reportOf(sequence), bytes });

function drain(outbox: Outbox): [sequence: number, lostReports: number][] {
  const taken: [number, number][] = [];
  for (let each = outbox.take(); each; each = outbox.take())
    taken.push([each.report.sequence, each.report.lostReports]);
  return taken;
}

test('reports leave in the order they came', () => {
  const outbox = new Outbox(5);
  for (const sequence of [1, 2, 3]) outbox.put(waiting(sequence));
  assert.is(outbox.length, 3);
  assert.equal(drain(outbox), [
    [1, 0],
    [2, 0],
    [3, 0],
  ]);
  assert.is(outbox.take(), undefined);
});

test('when it is full the oldest go, and the next that leaves says how many', () => {
  const outbox = new Outbox(2);
  for (const sequence of [1, 2, 3, 4, 5]) outbox.put(waiting(sequence));
  assert.is(outbox.lostTotal, 3);
  assert.equal(drain(outbox), [
    [4, 3],
    [5, 0],
  ]);
  outbox.put(waiting(6));
  assert.equal(drain(outbox), [[6, 0]]);
});

test('it is bounded by bytes too, but keeps one report however large', () => {
  const outbox = new Outbox(100, 250);
  for (const sequence of [1, 2, 3]) outbox.put(waiting(sequence));
  assert.equal(drain(outbox), [
    [2, 1],
    [3, 0],
  ]);
  outbox.put(waiting(4, 1_000));
  assert.equal(drain(outbox), [[4, 0]]);
});

test('what was taken and never left goes back to its place', () => {
  const outbox = new Outbox(5);
  for (const sequence of [1, 2, 3]) outbox.put(waiting(sequence));
  const [first, second] = [outbox.take(), outbox.take()];
  if (second) outbox.putBack(second);
  if (first) outbox.putBack(first);
  outbox.put(waiting(4));
  assert.equal(drain(outbox), [
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 0],
  ]);
});

test('a loss that was to be told by a report which is lost itself is told by the next', () => {
  const outbox = new Outbox(1);
  outbox.put(waiting(1));
  outbox.put(waiting(2));
  const taken = outbox.take();
  assert.is(taken?.report.lostReports, 1);
  if (taken) outbox.putBack(taken);
  outbox.put(waiting(3));
  assert.equal(drain(outbox), [[3, 2]]);
});

test('waits double up to the longest, between a tenth and the whole of each step', () => {
  const least = (failures: number) => backoffMs(failures, () => 0);
  const most = (failures: number) => backoffMs(failures, () => 1);
  assert.equal([1, 2, 3, 4].map(most), [250, 500, 1_000, 2_000]);
  assert.equal([1, 2, 3, 4].map(least), [25, 50, 100, 200]);
  assert.is(most(1_000), LONGEST_BACKOFF_MS);
  assert.is(least(1_000), LONGEST_BACKOFF_MS / 10);
  assert.is(most(0), 250);
});

test('a fleet that lost its controller at one instant does not come back at one', () => {
  const random = seeded(4);
  const waits = Array.from({ length: 1_000 }, () => backoffMs(7, random));
  const busiest = Math.max(
    ...Array.from({ length: 10 }, (_, i) => waits.filter((ms) => Math.floor(ms / 1_001) === i).length),
  );
  assert.ok(busiest < 150, `${busiest} of 1,000 came within one second of ten`);
});

test.run();
