/** The minute after a verdict. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startWatch, stepWatch, type Watch } from '../../../controller/trial/watch.ts';
import { drawsOf } from '../decide/draws.ts';
import { momentsAbout } from './arms.ts';

const start = (): Watch => startWatch({ trialId: 7, back: { v1: 10_000 }, before: momentsAbout(20), beforeRps: 60 }, 0);

/** Kinds of the steps of one window a second. */
function kinds(watch: Watch, meanOf: (second: number) => number | undefined, loadRps = 60): string[] {
  const seen: string[] = [];
  for (let second = 1; second <= 60; second++) {
    const { kind } = stepWatch(watch, meanOf(second), loadRps, second * 1_000);
    seen.push(kind);
    if (kind !== 'watch') break;
  }
  return seen;
}

test('weights that hold what they promised are watched for a minute', () => {
  const { uniform } = drawsOf(1);
  const seen = kinds(start(), () => 16 + 2 * uniform());
  assert.is(seen.length, 60);
  assert.is(seen.at(-1), 'over');
});

test('weights that turn out worse than those before are taken back, with both figures', () => {
  const watch = start();
  let step = stepWatch(watch, 40, 60, 1_000);
  for (let second = 2; step.kind === 'watch' && second < 20; second++) {
    step = stepWatch(watch, second % 2 === 0 ? 39 : 41, 60, second * 1_000);
  }
  assert.equal(step, {
    kind: 'revert',
    why: 'after the weights were kept a call came to cost 40 ms, against 20 ms before them, worse beyond chance',
  });
});

test('what got worse half a minute later is found too: only the last ten windows count', () => {
  const seen = kinds(start(), (second) => (second <= 30 ? 18 : 27) + (second % 2));
  assert.is(seen.at(-1), 'revert');
  assert.ok(seen.length > 35 && seen.length <= 55, `${seen.length} s`);
});

test('a fifth worse is within what is tolerated', () => {
  assert.is(kinds(start(), (second) => 24 + 0.1 * (second % 2)).at(-1), 'over');
});

test('a load that has grown by more than half ends the watch', () => {
  assert.equal(
    kinds(start(), () => 90, 91),
    ['over'],
  );
  assert.is(kinds(start(), () => 20, 90).length, 60);
});

test('windows without a call say nothing', () => {
  const watch = start();
  const seen = kinds(watch, () => undefined);
  assert.is(seen.length, 60);
  assert.is(watch.after.count, 0);
});

test('without a past to compare with nothing is taken back', () => {
  const watch = startWatch({ trialId: 7, back: {}, before: momentsAbout(20, 4), beforeRps: 60 }, 0);
  assert.is(kinds(watch, () => 500).at(-1), 'over');
});

test('watches share nothing', () => {
  const [a, b] = [start(), start()];
  stepWatch(a, 20, 60, 1_000);
  assert.is(b.after.count, 0);
});

test.run();
