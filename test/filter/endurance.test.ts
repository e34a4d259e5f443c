/** What must hold over a long life: memory stays, nothing traps, what there is no room for is counted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeView, tableMessage } from '../../agent/wire/table.ts';
import { builds, PretendHost, type Stream } from '../support/pretend-host.ts';
import { PretendAgent, service, startFilter } from '../support/pretend-host-agent.ts';
import { seeded } from '../support/random.ts';

const CALLS = 200_000;
const SEQUENCES = 50_000;

const services = (weight: number) => [
  service(
    [
      { name: 'a', weight, trialWeight: 10_000 },
      { name: 'b', weight: 10_000 - weight, trialWeight: 0 },
    ],
    { draw: 'balanced', trialId: 1, trialShare: 1_000 },
  ),
];

for (const build of builds) {
  test(`${build}: memory is as large after ${CALLS} calls, 2,000 messages and 200 tables as after the first thousand`, () => {
    const { host, agent } = startFilter(build);
    const statuses = [200, 200, 404, 503];
    let warm = { memory: 0, reserved: 0 };
    for (let i = 0; i < CALLS; i++) {
      if (i % 1_000 === 0) agent.deliver(services((i / 40) % 10_000));
      const stream = host.request({ 'x-weir-backend': 'c' });
      host.advanceUs(i % 50_000);
      stream.respond(statuses[i % 4] ?? 200).end({ attempts: 1 + (i % 2) });
      if (i % 100 === 0) agent.collect(100);
      if (i === 1_000) warm = { memory: host.memoryBytes, reserved: host.reservedBytes };
    }
    agent.collect();
    assert.is(host.memoryBytes, warm.memory);
    assert.is(host.reservedBytes, warm.reserved);
    assert.is(agent.count('droppedCalls'), 0);
    assert.is(agent.count('steeredCalls'), CALLS);
    const counted = agent.taken.flatMap((samples) => samples.edges).flatMap((edge) => edge.outcomes);
    assert.is(
      counted.reduce((total, count) => total + count, 0),
      CALLS,
    );
  });

  test(`${build}: nothing is reserved between the headers and the end of a request, whatever it is like`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver(services(5_000));
    const { reservedBytes, memoryBytes } = host;
    const large = 'x'.repeat(100_000);
    for (let i = 0; i < 20_000; i++) {
      host.route = (headers) => (i % 3 === 0 ? `cluster-${i}` : `shop-${headers.get('x-weir-backend') ?? 'a'}`);
      const stream = host.request(i % 5 === 0 ? { 'x-weir-backend': large } : {});
      if (i % 7 !== 0) stream.respond(200, { 'grpc-status': large }, i % 2 === 0).trailers({ 'grpc-status': large });
      if (i % 11 !== 0) stream.end();
    }
    assert.is(host.reservedBytes, reservedBytes);
    assert.is(host.memoryBytes, memoryBytes);
    assert.is(host.trap, undefined);
  });

  for (const when of ['before it is configured', 'after a table'] as const) {
    test(`${build}: memory that cannot grow, from ${when} on, costs measurements and tables, never a request`, () => {
      const host = new PretendHost(build);
      host.route = (headers) => `shop-${headers.get('x-weir-backend') ?? 'plain'}`;
      if (when === 'before it is configured') host.exhaustMemory();
      host.configure({ max_clusters: 4_096 });
      const agent = new PretendAgent(host);
      agent.deliver(services(5_000));
      host.request().respond(200).end();
      agent.collect();
      if (when === 'after a table') host.exhaustMemory();
      for (let i = 0; i < 10_000; i++) {
        host.route = () => `cluster-${i}`;
        const stream = host.request({ 'x-weir-backend': 'a' });
        assert.not.ok(stream.requestHeaders.has('x-weir-backend'));
        if (i % 2) stream.respond(200).end();
        if (i % 100 === 0) agent.collect(100);
      }
      const many = Array.from({ length: 2_000 }, (_, i) =>
        service([{ name: 'a', weight: 10_000 }], { service: `t${i}` }),
      );
      agent.held();
      agent.answerTable(tableMessage(encodeView(many, 1, 2), 60_000));
      agent.collect(20_000);
      assert.is(host.trap, undefined);
      // From the start on there is no memory even for a message that tells of it.
      if (when === 'after a table') assert.ok(agent.count('droppedCalls') > 0);
      assert.is(host.memoryBytes, 2 ** 32);
    });
  }

  test(`${build}: clusters and calls beyond their bounds are dropped, counted, and still served`, () => {
    const { host, agent } = startFilter(build, { max_clusters: 8 });
    for (let i = 0; i < 20; i++) {
      host.route = () => `cluster-${i}`;
      host.request().respond(200).end();
      agent.collect(100);
    }
    agent.collect();
    assert.is(agent.count('droppedCalls'), 12);
    // Idle clusters make room for others after a while.
    agent.collect(130_000);
    host.route = () => 'cluster-new';
    host.request().respond(200).end();
    agent.collect();
    assert.is(agent.edge('cluster-new').calls, 1);
    assert.is(agent.count('droppedCalls'), 12);

    const before = agent.count('droppedCalls');
    const streams = Array.from({ length: 3_000 }, () => host.request());
    agent.collect();
    const dropped = agent.count('droppedCalls') - before;
    assert.ok(dropped > 0 && dropped < 2_000, `${dropped} of 3000 at once`);
    for (const stream of streams) stream.respond(200).end();
    agent.collect();
    assert.is(agent.edge('cluster-new').calls, 1 + 3_000 - dropped);
    // The tick has made room meanwhile.
    for (const stream of Array.from({ length: 3_000 }, () => host.request())) stream.respond(200).end();
    agent.collect();
    assert.is(agent.count('droppedCalls') - before, dropped);
  });

  test(`${build}: ${SEQUENCES} callbacks in any order, with any ids and bytes, trap nowhere and leave nothing in flight`, () => {
    const random = seeded(2_026);
    const pick = (count: number) => Math.floor(random() * count);
    const host = new PretendHost(build);
    host.configure({ max_clusters: 16 });
    const clusters = ['shop', 'shop-a', 'shop-b', 'other', '', 'x'.repeat(300), undefined];
    host.route = () => clusters[pick(clusters.length)];
    const good = tableMessage(encodeView(services(3_000), 1, 1), 500);
    const streams: Stream[] = [];
    const some = () => streams[pick(streams.length)];
    const bytes = () => {
      const message = Buffer.from(good.subarray(0, pick(2) ? good.length : pick(good.length)));
      for (let i = pick(4); i > 0 && message.length > 0; i--) message[pick(message.length)] = pick(256);
      return message;
    };
    const steps: readonly (() => void)[] = [
      () => streams.push(host.request(pick(2) ? { 'x-weir-backend': 'a' } : {})),
      () => streams.push(host.request({})),
      () => some()?.respond([0, 200, 404, 503, 999][pick(5)] ?? 0, { 'grpc-status': String(pick(20)) }, pick(2) === 1),
      () => some()?.trailers({ 'grpc-status': String(pick(20) - 2) }),
      () => some()?.log(),
      () => some()?.delete(),
      () => some()?.end({ flags: 1n << BigInt(pick(40)), attempts: pick(4) }),
      () => host.advance(100 * pick(20)),
      () => host.advanceUs(pick(2_000_000) - 1_000_000),
      () => {
        const call = [...host.open.values()][pick(2)];
        if (call) host.answer(call, [0, 200, 200, 200, 204, 503][pick(6)] ?? 0, bytes());
      },
      // Answers to what nobody asked, and contexts that nobody opened.
      () => host.enter(undefined, (vm) => vm.proxy_on_http_call_response(host.root, pick(99), 0, 0, 0)),
      () => host.enter(undefined, (vm) => vm.proxy_on_log(pick(1_000_000))),
      () => host.enter(undefined, (vm) => vm.proxy_on_request_headers(pick(50), 0, 1)),
      () => {
        host.hasWasi = pick(2) === 1;
      },
      () => {
        host.agentIs = (['there', 'there', 'down', 'unknown'] as const)[pick(4)] ?? 'there';
      },
    ];
    for (let i = 0; i < SEQUENCES; i++) {
      steps[pick(steps.length)]?.();
      if (streams.length > 300) for (const stream of streams.splice(0, 200)) stream.end();
    }
    assert.is(host.trap, undefined);
    for (let id = 0; id < 60_000; id++) host.enter(undefined, (vm) => vm.proxy_on_delete(id));
    host.configure();
    host.agentIs = 'there';
    host.hasWasi = true;
    const agent = new PretendAgent(host);
    agent.held();
    agent.collect(20_000);
    const last = agent.taken.at(-1);
    assert.equal(
      last?.edges.filter((edge) => edge.inFlight > 0),
      [],
    );
  });
}

test.run();
