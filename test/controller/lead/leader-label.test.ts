/** The label that sends agents to the one that leads. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LeaderLabel } from '../../../controller/lead/leader-label.ts';
import { makeLog } from '../../../controller/log.ts';
import { HandClock } from '../../support/clock.ts';

const test = suite('leader label');

function rig() {
  const clock = new HandClock();
  const lines: string[] = [];
  const asked: unknown[] = [];
  const state: { trouble: number | undefined } = { trouble: undefined };
  const label = new LeaderLabel({
    pods: {
      patchNamespacedPod: async ({ name, body }) => {
        asked.push([name, body]);
        if (state.trouble !== undefined) throw Object.assign(new Error('no'), { code: state.trouble });
        return {};
      },
    },
    namespace: 'weir-system',
    clock,
    log: makeLog('info', { write: (line) => void lines.push(line) }),
    explain: () => 'the API server says no',
  });
  return { clock, lines, asked, state, label };
}

const bodyOf = (value: string | null) => ({ metadata: { labels: { 'weir.dev/leader': value } } });
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('it is put on and taken off', async () => {
  const { label, asked } = rig();
  await label.set('pod-a', true);
  await label.set('pod-b', false);
  assert.equal(asked, [
    ['pod-a', bodyOf('true')],
    ['pod-b', bodyOf(null)],
  ]);
});

test('what fails is said once and tried until it is so', async () => {
  const { label, asked, state, clock, lines } = rig();
  state.trouble = 403;
  let isDone = false;
  const done = label.set('pod-a', true).then(() => {
    isDone = true;
  });
  for (let second = 0; second < 10; second++) {
    await settled();
    clock.advance(1_000);
  }
  assert.is(isDone, false);
  assert.is(asked.length, 5);
  assert.is(lines.length, 1);
  assert.match(lines[0] ?? '', 'pod pod-a keeps the label weir.dev/leader as it is');
  state.trouble = undefined;
  await settled();
  clock.advance(2_000);
  await done;
});

test('a pod that is gone has no label, and one that is not there yet is tried again', async () => {
  const { label, asked, state, clock } = rig();
  state.trouble = 404;
  await label.set('pod-gone', false);
  void label.set('pod-new', true);
  await settled();
  clock.advance(2_000);
  await settled();
  assert.is(asked.length, 3);
  label.close();
  clock.advance(10_000);
  await settled();
  assert.is(asked.length, 3, 'closed, it asks no more');
  state.trouble = 403;
  await label.set('pod-new', false);
  assert.is(asked.length, 4, 'or once, where it is told to');
});

test.run();
