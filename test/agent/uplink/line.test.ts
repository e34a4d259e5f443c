/** One connection in trouble: refusals, other epochs and protocols, bad frames, silence. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEAD_TURNS, MAX_BAD_FRAMES, PING_MS } from '../../../agent/uplink/line.ts';
import { MAX_FRAME_BYTES } from '../../../controller/wire/messages.ts';
import { tablesOf } from '../sketch.ts';
import { connected, count, events, open, type Rig, shut, waiting } from './rig.ts';

const test = suite<Rig>('line');

test.after.each(shut);

test('a controller of a lower epoch is not obeyed: no report, no tables, and later another try', async (context) => {
  await open(context);
  context.uplink.send(waiting(1));
  const closed = context.next('closed');
  context.uplink.start();
  const line = await context.controller.welcome(4);
  line.send(tablesOf(1, [], { epoch: 4 }));
  await line.closed();
  await closed;
  assert.is(line.unread, 0);
  assert.equal(context.taken, []);
  assert.is(count(context, 'alive'), 0);
  assert.is(context.uplink.wasReached, false);
  assert.ok(
    context.said.some(({ event, sentence }) => event === 'epoch_refused' && sentence.includes('is of epoch 4')),
  );
  context.clock.advance(10_000);
  const again = await context.controller.welcome(5);
  assert.is((await again.next('report')).sequence, 1);
  assert.ok(events(context).includes('epoch_refused_over'));
});

test('a refusal is said with its sentence and tried again after a longer pause', async (context) => {
  await open(context);
  const closed = context.next('closed');
  context.uplink.start();
  const line = await context.controller.line();
  await line.next('hello');
  line.send({ type: 'refuse', code: 'WEIR_HUB_BAD_TOKEN', message: 'the agent showed no token or a wrong one' });
  await closed;
  assert.ok(
    context.said.some(({ event, sentence }) => event === 'controller_refused' && sentence.includes('showed no token')),
  );
  context.clock.advance(3_999);
  assert.is(count(context, 'connect'), 1);
  context.clock.advance(1);
  assert.is(count(context, 'connect'), 2);
});

test('another protocol is refused by name', async (context) => {
  await open(context);
  const closed = context.next('closed');
  context.uplink.start();
  const line = await context.controller.line();
  await line.next('hello');
  line.send({ type: 'welcome', protocol: 2, epoch: 5, windowMs: 1_000 });
  await closed;
  assert.is(context.uplink.wasReached, false);
  assert.ok(context.said.some(({ sentence }) => sentence.includes('it speaks protocol 2, this agent 1')));
});

test('bad frames are counted and said once, nothing of them counts, five of them end the connection', async (context) => {
  await open(context);
  const line = await connected(context);
  const bad = [Buffer.from('\xc1'), Buffer.alloc(0), Buffer.from([0x81, 0xa4, 0x74]), Buffer.from('{}')];
  for (const bytes of bad) line.socket.send(bytes);
  line.send(tablesOf(1));
  await line.next('ack');
  assert.is(count(context, 'bad frame'), 4);
  assert.is(context.said.filter(({ event }) => event === 'bad_frame').length, 1);
  line.socket.send('text');
  assert.is(await line.closed(), 1008);
  assert.is(count(context, 'bad frame'), MAX_BAD_FRAMES);
});

test('tables before a welcome, and a second welcome, are bad frames', async (context) => {
  await open(context);
  const welcomed = context.next('welcome 1000');
  context.uplink.start();
  const line = await context.controller.line();
  line.send(tablesOf(1));
  await line.next('hello');
  line.send({ type: 'welcome', protocol: 1, epoch: 5, windowMs: 1_000 });
  await welcomed;
  line.send({ type: 'welcome', protocol: 1, epoch: 5, windowMs: 5_000 });
  await line.settled();
  assert.is(count(context, 'bad frame'), 2);
  assert.is(count(context, 'welcome 5000'), 0);
  assert.equal(context.taken, []);
});

test('a frame over the limit ends the connection, and the agent comes back', async (context) => {
  await open(context);
  const line = await connected(context);
  const closed = context.next('closed');
  line.socket.send(Buffer.alloc(MAX_FRAME_BYTES + 1));
  await closed;
  assert.is(count(context, 'bad frame'), 1);
  context.clock.advance(250);
  await context.controller.welcome();
});

test('a peer that gives no sign of life is left after some turns; one that answers pings is not', async (context) => {
  await open(context);
  const line = await connected(context);
  for (let turn = 0; turn < 2 * DEAD_TURNS; turn++) {
    const alive = context.next('alive');
    context.clock.advance(PING_MS);
    await alive;
  }
  assert.is(context.uplink.isConnected, true);
  // It stops reading, so that no ping is answered.
  line.socket.pause();
  const closed = context.next('closed');
  for (let turn = 0; turn <= DEAD_TURNS; turn++) context.clock.advance(PING_MS);
  await closed;
  assert.is(context.uplink.isConnected, false);
  assert.ok(context.said.some(({ sentence }) => sentence.includes('it gave no sign of life')));
});

test('a peer that never says welcome is left too', async (context) => {
  await open(context);
  context.uplink.start();
  const line = await context.controller.line();
  await line.next('hello');
  const closed = context.next('closed');
  for (let turn = 0; turn <= DEAD_TURNS; turn++) context.clock.advance(PING_MS);
  await closed;
  assert.ok(context.said.some(({ sentence }) => sentence.includes('it gave no welcome')));
});

test.run();
