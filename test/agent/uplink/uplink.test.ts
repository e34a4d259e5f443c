/** The uplink's life: hello, reports, tables, losing the controller and coming back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PretendController } from '../pretend-controller.ts';
import { reportOf, tablesOf } from '../sketch.ts';
import { connected, count, events, open, type Rig, shut, waiting } from './rig.ts';

const test = suite<Rig>('uplink');

test.after.each(shut);

test('it says hello with what it holds, and is connected once it was welcomed', async (context) => {
  await open(context);
  context.uplink.start();
  const line = await context.controller.line();
  assert.equal(await line.next('hello'), {
    type: 'hello',
    protocol: 1,
    agentId: 'node-1',
    node: 'node-1',
    zone: 'zone-a',
    release: '0.1.0',
    tableEpoch: 4,
    tableNumber: 2,
  });
  assert.is(context.uplink.isConnected, false);
  const welcomed = context.next('welcome 250');
  line.send({ type: 'welcome', protocol: 1, epoch: 5, windowMs: 250 });
  await welcomed;
  assert.is(context.uplink.isConnected, true);
  assert.is(context.uplink.wasReached, true);
  assert.equal(events(context), ['controller_connected']);
});

test('reports wait for the welcome, then leave in order, and later ones at once', async (context) => {
  await open(context);
  context.uplink.send(waiting(1));
  context.uplink.send(waiting(2));
  const line = await connected(context);
  context.uplink.send(waiting(3));
  for (const sequence of [1, 2, 3]) assert.is((await line.next('report')).sequence, sequence);
  assert.is(context.outbox.length, 0);
});

test('tables are taken and acknowledged; refused ones are said to be, and not acknowledged', async (context) => {
  await open(context);
  const line = await connected(context);
  line.send(tablesOf(1));
  assert.equal(await line.next('ack'), { type: 'ack', tableEpoch: 5, tableNumber: 1 });
  line.send(tablesOf(9, [], { epoch: 4 }));
  line.send(tablesOf(2));
  assert.is((await line.next('ack')).tableNumber, 2);
  assert.equal(
    context.taken.map(({ epoch, number }) => [epoch, number]),
    [
      [5, 1],
      [4, 9],
      [5, 2],
    ],
  );
  assert.ok(events(context).includes('tables_refused'));
});

test('a lost connection comes back after a pause, with the reports of meanwhile in ascending order', async (context) => {
  await open(context);
  const line = await connected(context);
  context.uplink.send(waiting(1));
  await line.next('report');
  const closed = context.next('closed');
  line.socket.terminate();
  await closed;
  assert.is(context.uplink.isConnected, false);
  context.uplink.send(waiting(2));
  context.uplink.send(waiting(3));
  context.clock.advance(249);
  assert.is(count(context, 'connect'), 1);
  context.clock.advance(1);
  assert.is(count(context, 'connect'), 2);
  const again = await context.controller.welcome();
  for (const sequence of [2, 3]) assert.is((await again.next('report')).sequence, sequence);
  assert.ok(events(context).includes('controller_unreachable_over'));
});

test('while the controller is away the outbox keeps the newest and tells how many it lost', async (context) => {
  await open(context, {}, 2);
  for (const sequence of [1, 2, 3, 4, 5]) context.uplink.send(waiting(sequence));
  const line = await connected(context);
  const [first, second] = [await line.next('report'), await line.next('report')];
  assert.equal([first.sequence, first.lostReports, second.sequence, second.lostReports], [4, 3, 5, 0]);
});

test('pauses double while nobody answers, and start anew after a welcome', async (context) => {
  await open(context);
  const { port } = context.controller;
  await context.controller.close();
  context.uplink.start();
  for (const pauseMs of [250, 500, 1_000, 2_000]) {
    await context.next('closed');
    const before = count(context, 'connect');
    context.clock.advance(pauseMs - 1);
    assert.is(count(context, 'connect'), before, `${pauseMs} ms`);
    context.clock.advance(1);
    assert.is(count(context, 'connect'), before + 1, `${pauseMs} ms`);
  }
  await context.next('closed');
  assert.is(context.said.filter(({ event }) => event === 'controller_unreachable').length, 1);
  context.controller = await PretendController.start(port);
  context.clock.advance(4_000);
  const line = await context.controller.welcome();
  line.socket.terminate();
  await context.next('closed');
  const before = count(context, 'connect');
  context.clock.advance(250);
  assert.is(count(context, 'connect'), before + 1);
});

test('with a peer that reads slowly reports wait in the bounded outbox, not in the socket', async (context) => {
  await open(context, {}, 50);
  const line = await connected(context);
  line.socket.pause();
  const edges = Array.from({ length: 1_000 }, (_, i) => ({
    caller: { workload: 'web', namespace: 'shop', zone: 'zone-a', node: 'node-1' },
    cluster: `outbound|8080|v1|service-${i}.shop.svc.cluster.local`,
    arm: 'stable' as const,
    trialId: 0,
    outcomes: [1, 2, 3, 4, 5, 6],
    retries: 0,
    inFlight: 0,
    latencySumUs: 0,
    latency: Array.from({ length: 100 }, (_, j) => 1_000_000 + j),
  }));
  const last = 200;
  for (let sequence = 1; sequence <= last; sequence++) {
    context.uplink.send({ report: reportOf(sequence, { edges }), bytes: 700_000 });
  }
  assert.is(context.outbox.length, 50);
  assert.ok((context.sockets[0]?.bufferedAmount ?? 0) < 3 * 1024 * 1024);
  line.socket.resume();
  let heard = 0;
  let lost = 0;
  for (let sequence = 0; sequence < last; ) {
    const report = await line.next('report');
    assert.ok(report.sequence > sequence);
    sequence = report.sequence;
    heard += 1;
    lost += report.lostReports;
  }
  assert.is(heard + lost, last);
});

test('what was still in this process when the line broke is sent again after it', async (context) => {
  await open(context, {}, 50);
  const line = await connected(context);
  const welcomed = context.next('closed');
  // Not sent in one piece: ws hands it to the socket, which is gone before it could write it.
  context.sockets[0]?.terminate();
  context.uplink.send(waiting(1));
  await welcomed;
  assert.is(line.unread, 0);
  context.uplink.send(waiting(2));
  context.clock.advance(250);
  const again = await context.controller.welcome();
  for (const sequence of [1, 2]) assert.is((await again.next('report')).sequence, sequence);
});

test('closing says goodbye and tries no more', async (context) => {
  await open(context);
  const line = await connected(context);
  await context.uplink.close();
  assert.is(await line.closed(), 1001);
  context.clock.advance(60_000);
  assert.is(count(context, 'connect'), 1);
});

test('closing while nobody is there ends at once', async (context) => {
  await open(context);
  await context.controller.close();
  context.uplink.start();
  await context.uplink.close();
  context.clock.advance(60_000);
  assert.is(count(context, 'connect'), 1);
});

test.run();
