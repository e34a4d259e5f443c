/** Notices: what is degraded is said once a minute, and once when it is over. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNotices } from '../../agent/log.ts';
import { HandClock } from '../support/clock.ts';
import { listening } from './listening.ts';

function start() {
  const clock = new HandClock();
  const { log, said } = listening();
  return { clock, said, notices: createNotices(log, clock.nowMs) };
}

test('a degraded mode is said once a minute, each on its own', () => {
  const { clock, said, notices } = start();
  for (let second = 0; second < 119; second++) {
    notices.degraded('disk_full', {}, 'the disk is full');
    clock.advance(1_000);
  }
  notices.degraded('line_lost', {}, 'the line is lost');
  assert.equal(
    said.map(({ level, event }) => [level, event]),
    [
      ['warn', 'disk_full'],
      ['warn', 'disk_full'],
      ['warn', 'line_lost'],
    ],
  );
});

test('its end is said once, and only where its beginning was', () => {
  const { said, notices } = start();
  notices.recovered('disk_full', {}, 'there is room');
  notices.degraded('disk_full', {}, 'the disk is full');
  notices.recovered('disk_full', {}, 'there is room');
  notices.recovered('disk_full', {}, 'there is room');
  notices.degraded('disk_full', {}, 'the disk is full again');
  assert.equal(
    said.map(({ event }) => event),
    ['disk_full', 'disk_full_over', 'disk_full'],
  );
});

test.run();
