/** What is kept of a call: its latency, how it turned out, where it went. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as layout from '../../agent/wire/layout.ts';
import { builds } from '../support/pretend-host.ts';
import { startFilter } from '../support/pretend-host-agent.ts';

const classes = ['2xx', '3xx', '4xx', '5xx', 'reset', 'cancelled'];

/** Middle of a bucket in µs, from the drawing in agent/wire/layout.ts. */
function middleUs(index: number): number {
  const octave = layout.HISTOGRAM_MIN_OCTAVE + Math.floor((index - 1) / layout.BUCKETS_PER_OCTAVE);
  const sixteenth = (index - 1) % layout.BUCKETS_PER_OCTAVE;
  return 2 ** octave * (1 + (sixteenth + 0.5) / layout.BUCKETS_PER_OCTAVE);
}

/** Bits of `response.flags`, as a real Envoy 1.40 showed them. */
const flag = (position: number) => 1n << BigInt(position);

for (const build of builds) {
  test(`${build}: a latency from 100 µs to 60 s is kept within 5 %`, () => {
    const { host, agent } = startFilter(build);
    for (let us = 100; us <= 60_000_000; us = Math.ceil(us * 1.13)) {
      const from = agent.taken.length;
      const stream = host.request();
      host.advanceUs(us);
      stream.respond(200).end();
      agent.collect();
      const edge = agent.taken.slice(from).flatMap((samples) => samples.edges)[0];
      assert.is(edge?.latencySumUs, us);
      assert.is(edge?.buckets.length, 2, 'one bucket, sent sparsely');
      const error = Math.abs(middleUs(edge?.buckets[0] ?? 0) - us) / us;
      assert.ok(error <= 0.05, `${us} µs is ${error} off`);
    }
  });

  test(`${build}: latencies beyond the histogram fall into its first and last bucket`, () => {
    const { host, agent } = startFilter(build);
    for (const us of [0, 63, 64, 67_108_863, 67_108_864, 3_600_000_000]) {
      const stream = host.request();
      host.advanceUs(us);
      stream.respond(200).end();
    }
    agent.collect();
    assert.equal(
      [...agent.edge('shop').buckets],
      [
        [0, 2],
        [1, 1],
        [layout.HISTOGRAM_BUCKETS - 2, 1],
        [layout.HISTOGRAM_BUCKETS - 1, 2],
      ],
    );
  });

  test(`${build}: latency ends with the response headers, not with the body`, () => {
    const { host, agent } = startFilter(build);
    const stream = host.request();
    host.advanceUs(1_000);
    stream.respond(200);
    host.advanceUs(500_000);
    stream.end();
    agent.collect();
    assert.is(agent.edge('shop').latencySumUs, 1_000);
  });

  test(`${build}: setting the wall's clock, either way, leaves latencies as they are`, () => {
    const { host, agent } = startFilter(build);
    for (const byMs of [-3_600_000, 3_600_000]) {
      const stream = host.request();
      host.advanceUs(1_000);
      host.setWall(byMs);
      stream.respond(200).end();
    }
    agent.collect();
    assert.is(agent.edge('shop').calls, 2);
    assert.is(agent.edge('shop').latencySumUs, 2_000);
  });

  test(`${build}: where only the wall's clock may be read, one that is set back makes no latency out of thin air`, () => {
    const { host, agent } = startFilter(build, {}, (host) => {
      host.hasWasi = false;
    });
    const stream = host.request();
    host.setWall(-3_600_000);
    stream.respond(200).end();
    agent.collect();
    assert.is(agent.edge('shop').calls, 1);
    assert.is(agent.edge('shop').latencySumUs, 0);
  });

  test(`${build}: a call is classed by its status, by its end when it broke, by whose fault it was`, () => {
    const cases: readonly [wanted: string, status: number, flags: bigint, why: string][] = [
      ['2xx', 200, 0n, 'OK'],
      ['2xx', 101, 0n, 'an upgrade'],
      ['3xx', 304, 0n, 'not modified'],
      ['4xx', 404, 0n, 'not found'],
      ['4xx', 429, 0n, 'too many requests'],
      ['5xx', 500, 0n, 'the backend failed'],
      ['5xx', 503, flag(15), 'retries used up on answers of 503'],
      ['reset', 503, flag(1), 'no healthy upstream'],
      ['reset', 504, flag(2), 'timeout'],
      ['reset', 503, flag(5), 'connection failure'],
      ['reset', 503, flag(6), 'connection termination'],
      ['reset', 503, flag(7), 'overflow'],
      ['reset', 503, flag(24), 'no such cluster'],
      ['reset', 200, flag(4), 'reset in the middle of the body'],
      ['reset', 200, flag(23), 'broken off in the middle of the body'],
      ['reset', 0, 0n, 'no answer and no reason'],
      ['cancelled', 0, flag(14), 'the client went away before the answer'],
      ['cancelled', 200, flag(28), 'the client went away during the answer'],
      ['5xx', 500, flag(14), 'the client went away during a failure'],
    ];
    for (const [wanted, status, flags, why] of cases) {
      const { host, agent } = startFilter(build);
      const stream = host.request();
      host.advanceUs(2_000);
      if (status > 0) stream.respond(status);
      stream.end({ flags });
      agent.collect();
      const edge = agent.edge('shop');
      assert.equal(
        edge.outcomes,
        classes.map((name) => (name === wanted ? 1 : 0)),
        why,
      );
      const isFailure = wanted === '5xx' || wanted === 'reset';
      assert.is(edge.latencySumUs, isFailure ? 0 : 2_000, `${why}: latency`);
      assert.is(edge.buckets.size, isFailure ? 0 : 1, `${why}: histogram`);
    }
  });

  test(`${build}: a gRPC call is classed by its status, in trailers or in headers alone`, () => {
    const wanted = [
      '2xx',
      'cancelled',
      '5xx',
      '4xx',
      'reset',
      '4xx',
      '4xx',
      '4xx',
      '5xx',
      '4xx',
      '4xx',
      '4xx',
      '5xx',
      '5xx',
      '5xx',
      '5xx',
      '4xx',
    ];
    for (const [code, name] of wanted.entries()) {
      const { host, agent } = startFilter(build);
      host
        .request()
        .respond(200, { 'content-type': 'application/grpc' })
        .trailers({ 'grpc-status': `${code}` })
        .end();
      host
        .request()
        .respond(200, { 'content-type': 'application/grpc', 'grpc-status': `${code}` }, true)
        .end();
      agent.collect();
      assert.equal(
        agent.edge('shop').outcomes,
        classes.map((other) => (other === name ? 2 : 0)),
        `grpc-status ${code}`,
      );
    }
  });

  test(`${build}: trailers without a status, or with nonsense in it, leave the class to the HTTP status`, () => {
    const { host, agent } = startFilter(build);
    host.request().respond(200).trailers({ 'x-checksum': '1' }).end();
    host.request().respond(200).trailers({ 'grpc-status': 'many' }).end();
    host.request().respond(200).trailers({ 'grpc-status': '' }).end();
    agent.collect();
    assert.equal(agent.edge('shop').outcomes, [3, 0, 0, 0, 0, 0]);
  });

  test(`${build}: attempts beyond the first count as retries`, () => {
    const { host, agent } = startFilter(build);
    host.request().respond(200).end({ attempts: 3 });
    host.request().respond(200).end({ attempts: 0 });
    agent.collect();
    assert.is(agent.edge('shop').retries, 2);
  });

  test(`${build}: requests in flight are told as a level, and go back to none`, () => {
    const { host, agent } = startFilter(build);
    const streams = Array.from({ length: 5 }, () => host.request());
    assert.is(agent.collect().at(-1)?.edges[0]?.inFlight, 5);
    for (const stream of streams.slice(0, 3)) stream.respond(200).end();
    assert.is(agent.collect().at(-1)?.edges[0]?.inFlight, 2);
    // One that the host gives up without a log still leaves.
    for (const stream of streams.slice(3)) stream.delete();
    agent.collect();
    host.request().respond(200).end();
    assert.is(agent.collect().at(-1)?.edges[0]?.inFlight, 0);
    assert.is(agent.edge('shop').calls, 4);
  });

  test(`${build}: a call of a quarter of an hour is in flight all along, though its cluster is called by nobody else`, () => {
    const { host, agent } = startFilter(build);
    const stream = host.request();
    agent.collect(900_000);
    assert.is(agent.taken.at(-1)?.edges[0]?.inFlight, 1);
    stream.respond(200).end();
    agent.collect();
    assert.is(agent.edge('shop').calls, 1);
  });

  test(`${build}: a clock set on by decades while calls run costs their latency, not the message`, () => {
    const { host, agent } = startFilter(build);
    const streams = Array.from({ length: 10 }, () => host.request());
    host.advanceUs(56 * 365 * 86_400 * 1_000_000);
    for (const stream of streams) stream.respond(200).end();
    agent.collect();
    assert.is(agent.edge('shop').calls, 10);
    assert.is(agent.taken.flatMap(({ edges }) => edges).at(-1)?.latencySumUs, 10 * 2 ** 32);
  });

  test(`${build}: a request without a route is nobody's call`, () => {
    const { host, agent } = startFilter(build);
    host.route = () => undefined;
    host.request().respond(404).end();
    agent.collect();
    assert.equal(
      agent.taken.flatMap((samples) => samples.edges),
      [],
    );
    assert.is(agent.count('droppedCalls'), 0);
  });
}

test.run();
