/** Held requests: answered at once on news, at last in any case, once, and within bounds. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, HeldRequests } from '../../../agent/intake/held.ts';
import type { Viewer } from '../../../agent/tables/views.ts';
import { decodeTable, encodeView, NO_VIEW, type View } from '../../../agent/wire/table.ts';
import { HandClock } from '../../support/clock.ts';
import { NO_VIEW_ID, serviceOf } from '../sketch.ts';

interface Context {
  clock: HandClock;
  held: HeldRequests;
  /** What the tables say now. */
  tables: { view: View; hasAny: boolean };
}

const test = suite<Context>('held requests');
const viewer: Viewer = { workload: 'web', namespace: 'shop', zone: 'zone-a' };
const viewOf = (number: number) => encodeView([serviceOf('shop')], 5, number);

test.before.each((context) => {
  const clock = new HandClock();
  const tables = { view: viewOf(1), hasAny: true };
  Object.assign(context, { clock, tables });
  context.held = new HeldRequests({
    clock,
    maxHeld: 3,
    tables: {
      viewFor: () => tables.view,
      hasAny: () => tables.hasAny,
      holdMs: () => 20_000,
      remainingMs: () => 60_000 - clock.nowMs(),
    },
  });
});

function ask({ held }: Context, haveViewId: string, vmId = ''): { answers: Answer[]; takeBack: () => void } {
  const answers: Answer[] = [];
  return { answers, takeBack: held.ask({ viewer, vmId, haveViewId }, (answer) => answers.push(answer)) };
}

const kinds = (answers: readonly Answer[]) => answers.map(({ kind }) => kind);
const message = (answer: Answer | undefined) =>
  decodeTable(answer && 'message' in answer ? answer.message : Buffer.alloc(0));

test('who has another view is answered at once', (context) => {
  const { answers } = ask(context, NO_VIEW_ID);
  assert.equal(kinds(answers), ['new']);
  assert.is(message(answers[0]).viewId, viewOf(1).viewId);
  assert.is(message(answers[0]).services.length, 1);
  assert.is(context.held.size, 0);
});

test('who has the view is held, and answered the moment there is another', (context) => {
  const { answers } = ask(context, viewOf(1).viewId);
  context.clock.advance(3_000);
  context.held.answerNews();
  assert.equal(answers, []);
  context.tables.view = viewOf(2);
  context.held.answerNews();
  assert.equal(kinds(answers), ['new']);
  assert.is(message(answers[0]).tableNumber, 2);
  assert.is(message(answers[0]).ttlMs, 57_000);
  context.clock.advance(60_000);
  assert.is(answers.length, 1);
});

test('who waits in vain hears that the view is right still, and for how long', (context) => {
  const { answers } = ask(context, viewOf(1).viewId);
  context.clock.advance(19_999);
  assert.equal(answers, []);
  context.clock.advance(1);
  assert.equal(kinds(answers), ['unchanged']);
  assert.is(message(answers[0]).isUnchanged, true);
  assert.is(message(answers[0]).ttlMs, 40_000);
});

test('a view that ended is told as a new view with no services', (context) => {
  const { answers } = ask(context, viewOf(1).viewId);
  context.tables.view = NO_VIEW;
  context.held.answerNews();
  assert.equal(kinds(answers), ['new']);
  assert.is(message(answers[0]).viewId, NO_VIEW_ID);
  assert.equal(message(answers[0]).services, []);
});

test('an agent that knows of no tables takes nothing away, whatever the asker has', (context) => {
  context.tables.hasAny = false;
  context.tables.view = NO_VIEW;
  const { answers } = ask(context, viewOf(1).viewId);
  assert.equal(answers, []);
  context.clock.advance(20_000);
  assert.equal(answers, [{ kind: 'none', sentence: 'no table has come from a controller yet; keep what you have' }]);
});

test('an agent that hears of its first tables answers who waits at once', (context) => {
  context.tables.hasAny = false;
  const { answers } = ask(context, NO_VIEW_ID);
  context.tables.hasAny = true;
  context.held.answerNews();
  assert.equal(kinds(answers), ['new']);
});

test('a refresh answers everyone with the new ttl', (context) => {
  const same = ask(context, viewOf(1).viewId);
  context.held.answerAll();
  assert.equal(kinds(same.answers), ['unchanged']);
  assert.is(context.held.size, 0);
});

test('a request that was taken back is never answered', (context) => {
  const { answers, takeBack } = ask(context, viewOf(1).viewId);
  takeBack();
  takeBack();
  assert.is(context.held.size, 0);
  context.tables.view = viewOf(2);
  context.held.answerNews();
  context.clock.advance(60_000);
  assert.equal(answers, []);
});

test('a VM that asks again lets go of its older request, other VMs keep theirs', (context) => {
  const have = viewOf(1).viewId;
  const older = ask(context, have, 'aaaaaaaaaaaaaaaa');
  const other = ask(context, have, 'bbbbbbbbbbbbbbbb');
  const newer = ask(context, have, 'aaaaaaaaaaaaaaaa');
  assert.equal(kinds(older.answers), ['replaced']);
  older.takeBack();
  context.clock.advance(20_000);
  assert.equal(kinds(newer.answers), ['unchanged']);
  assert.equal(kinds(other.answers), ['unchanged']);
});

test('who does not say which VM it is replaces nobody', (context) => {
  const older = ask(context, viewOf(1).viewId);
  ask(context, viewOf(1).viewId);
  assert.equal(older.answers, []);
  assert.is(context.held.size, 2);
});

test('one too many is sent away with a sentence, and news still reaches who comes for it', (context) => {
  const have = viewOf(1).viewId;
  for (let i = 0; i < 3; i++) ask(context, have);
  const { answers } = ask(context, have);
  assert.equal(answers, [{ kind: 'crowded', sentence: '3 requests are held already, the most this agent takes' }]);
  assert.equal(kinds(ask(context, NO_VIEW_ID).answers), ['new']);
  assert.is(context.held.size, 3);
});

test('closing lets everyone go with what they have', (context) => {
  const { answers } = ask(context, viewOf(1).viewId);
  context.held.close();
  assert.equal(kinds(answers), ['closing']);
  assert.is(context.held.size, 0);
});

test.run();
