/** The conversation with the agent: when the filter speaks, and that nothing is counted twice or lost unseen. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_SAMPLES_BYTES } from '../../agent/wire/layout.ts';
import { decodeSamples } from '../../agent/wire/samples.ts';
import { NO_VIEW, unchangedMessage } from '../../agent/wire/table.ts';
import { builds, type HttpCall, PretendHost } from '../support/pretend-host.ts';
import { PretendAgent, routeByHeader, service, startFilter } from '../support/pretend-host-agent.ts';
import { sum } from '../support/tally.ts';

const ofPath = (host: PretendHost, path: string): HttpCall[] => host.calls.filter((call) => call.path.startsWith(path));

/** Times between one call and the next, ms. */
const gaps = (calls: readonly HttpCall[]): number[] =>
  calls.slice(1).map((call, i) => call.atMs - (calls[i]?.atMs ?? 0));

function calls(host: PretendHost, count: number): void {
  for (let i = 0; i < count; i++) host.request().respond(200).end();
}

for (const build of builds) {
  test(`${build}: asks for a table at once, in one held request, with who it is`, () => {
    const host = new PretendHost(build);
    for (const [path, value] of [
      ['xds.node.id', 'sidecar~1 é'],
      ['xds.node.cluster', 'cart.shop'],
      ['xds.node.metadata.NAMESPACE', 'shop'],
      ['xds.node.metadata.LABELS.app', 'cart'],
      ['xds.node.locality.zone', 'zone-a'],
    ] as const) {
      host.properties.set(path, value);
    }
    host.configure({ agent_cluster: 'the-agent', agent_authority: 'agent.local' });
    host.advance(19_000);
    const asked = ofPath(host, '/v1/table');
    assert.is(asked.length, 1);
    assert.is(asked[0]?.cluster, 'the-agent');
    assert.is(asked[0]?.timeoutMs, 25_000);
    const headers = Object.fromEntries(asked[0]?.headers ?? []);
    assert.match(headers['x-weir-vm'] ?? '', /^[0-9a-f]{16}$/);
    delete headers['x-weir-vm'];
    assert.equal(headers, {
      ':method': 'GET',
      ':path': '/v1/table?have=0000000000000000',
      ':authority': 'agent.local',
      'content-type': 'application/octet-stream',
      'x-weir-node-id': 'sidecar~1__',
      'x-weir-workload': 'cart',
      'x-weir-namespace': 'shop',
      'x-weir-zone': 'zone-a',
    });
  });

  test(`${build}: samples go each second under traffic, each ten when idle`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    const from = host.elapsedMs;
    for (let second = 0; second < 10; second++) {
      calls(host, 3);
      agent.collect(1_000);
    }
    assert.is(agent.taken.slice(1).length, 10);
    assert.is(agent.edge('shop').calls, 30);
    assert.ok(host.elapsedMs - from === 10_000);
    const before = agent.taken.length;
    agent.collect(60_000);
    assert.is(agent.taken.length - before, 6);
    assert.equal(
      agent.taken.slice(before).flatMap((samples) => samples.edges),
      [],
    );
    const sequences = agent.taken.map((samples) => samples.sequence);
    assert.equal(
      sequences,
      sequences.map((_, i) => i + 1),
    );
  });

  for (const agentIs of ['down', 'unknown'] as const) {
    test(`${build}: an agent that is ${agentIs} is asked again on ticks only, at growing distances`, () => {
      const host = new PretendHost(build);
      host.agentIs = agentIs;
      host.configure();
      for (let i = 0; i < 600; i++) {
        calls(host, 1);
        host.advance(100);
      }
      for (const path of ['/v1/table', '/v1/samples']) {
        const attempts = ofPath(host, path);
        assert.ok(attempts.length >= 10 && attempts.length <= 30, `${path}: ${attempts.length} in a minute`);
        const between = gaps(attempts);
        assert.ok(Math.min(...between) >= 100, `${path}: ${Math.min(...between)} ms`);
        assert.ok(Math.max(...between) <= 5_200, `${path}: ${Math.max(...between)} ms`);
        assert.ok((between.at(-1) ?? 0) >= 2_500, `${path}: the last after ${between.at(-1)} ms`);
      }
      assert.is(host.warnings().length, 1, 'one warning');
    });
  }

  test(`${build}: what was measured while the agent was down arrives once when it is back`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    host.agentIs = 'down';
    for (let i = 0; i < 20; i++) {
      calls(host, 5);
      host.advance(1_000);
    }
    host.agentIs = 'there';
    agent.collect(10_000);
    assert.is(agent.edge('shop').calls, 100);
    assert.is(agent.count('lostSamples'), 0);
  });

  test(`${build}: a message that was not taken is sent again as it was`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    calls(host, 2);
    host.advance(1_000);
    const first = host.openCall('/v1/samples');
    if (!first) throw new Error('no message');
    calls(host, 3);
    // The answer got lost on its way: perhaps the agent has counted it, so it must be able to tell.
    host.answer(first, 0);
    host.advance(300);
    const second = host.openCall('/v1/samples');
    assert.equal(second?.body, first.body);
    agent.collect();
    const sequences = agent.taken.map((samples) => samples.sequence);
    assert.equal(sequences, [1, 2, 3]);
    assert.is(agent.edge('shop').calls, 5);
  });

  test(`${build}: what is older than a minute is thrown away and counted, the counters are kept`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    host.request({ 'x-weir-backend': 'a' }).respond(200).end();
    host.agentIs = 'down';
    host.advance(70_000);
    calls(host, 1);
    host.agentIs = 'there';
    agent.collect(20_000);
    assert.ok(agent.count('lostSamples') >= 1);
    assert.is(agent.count('strippedHeaders'), 1);
    assert.is(agent.edge('shop').calls, 1);
  });

  test(`${build}: calls that added up behind a message that is thrown away go with it and are counted too`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    calls(host, 1);
    host.agentIs = 'down';
    host.advance(30_000);
    calls(host, 1);
    host.advance(40_000);
    host.agentIs = 'there';
    agent.collect(20_000);
    assert.is(agent.edge('shop').calls, 0);
    assert.is(agent.count('lostSamples'), 2);
  });

  test(`${build}: an agent that answers at once without end is asked on ticks only`, () => {
    const { host, agent } = startFilter(build);
    agent.held();
    const from = ofPath(host, '/v1/table').length;
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 10; j++) {
        const call = host.openCall('/v1/table');
        if (call) host.answer(call, 200, unchangedMessage(NO_VIEW, 1_000));
      }
      host.advance(100);
    }
    assert.is(ofPath(host, '/v1/table').length - from, 100);
  });

  test(`${build}: an agent that holds requests and has no table in the end is asked again soon, and warned of once`, () => {
    const { host, agent } = startFilter(build);
    for (let i = 0; i < 10; i++) {
      const held = agent.held();
      host.advance(20_000);
      host.answer(held, 503, Buffer.from('no table has come from a controller yet'));
      host.advance(300);
      assert.ok(host.openCall('/v1/table'));
    }
    const warnings = host.warnings();
    assert.is(warnings.length, 1);
    assert.match(warnings[0] ?? '', /does not answer with a table \(status 503\)/);
  });

  test(`${build}: after a good answer to a held request it asks again in the same instant`, () => {
    const { host, agent } = startFilter(build);
    host.advance(1_000);
    agent.deliver([service([{ name: 'a', weight: 10_000 }])]);
    assert.is(host.openCall('/v1/table')?.atMs, host.elapsedMs);
  });

  test(`${build}: never more than one call of a kind is open`, () => {
    const { host } = startFilter(build);
    for (let i = 0; i < 100; i++) {
      calls(host, 1);
      host.advance(100);
      const paths = [...host.open.values()].map((call) => call.path.split('?')[0]);
      assert.is(new Set(paths).size, paths.length);
    }
  });

  for (const hasWasi of [true, false]) {
    const clock = hasWasi ? 'the monotonic clock' : "the wall's clock alone";
    test(`${build}: with ${clock}, setting the wall back an hour stops neither samples nor tables nor the steering`, () => {
      const { host, agent } = startFilter(build, {}, (host) => {
        host.hasWasi = hasWasi;
      });
      agent.deliver([service([{ name: 'a', weight: 10_000 }])]);
      agent.collect(2_000);
      host.setWall(-3_600_000);
      for (let i = 0; i < 2; i++) {
        agent.collect(2_000);
        const stream = host.request();
        assert.is(stream.cluster, 'shop-a');
        stream.respond(200).end();
      }
      agent.collect(2_000);
      assert.is(agent.edge('shop-a').calls, 2);
      agent.deliver([service([{ name: 'b', weight: 10_000 }])]);
      assert.is(host.request().cluster, 'shop-b');
    });
  }

  test(`${build}: setting the wall's clock on by a day does not end the steering`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([service([{ name: 'a', weight: 10_000 }])]);
    host.setWall(86_400_000);
    host.advance(1_000);
    assert.is(host.request().cluster, 'shop-a');
  });

  test(`${build}: VMs that start in the same nanosecond have different ids where the host gives chance`, () => {
    const ids = [0, 1].map((offset) => {
      const { host } = startFilter(build, {}, (host) => {
        host.nextRandom += BigInt(offset);
      });
      return host.openCall('/v1/table')?.headers.get('x-weir-vm');
    });
    assert.is(new Set(ids).size, 2);
  });

  test(`${build}: an answer that the host never tells of silences neither samples nor tables for good`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    calls(host, 1);
    host.advance(1_000);
    const lost = host.openCall('/v1/samples');
    host.open.clear();
    host.advance(13_000);
    assert.equal(host.openCall('/v1/samples')?.body, lost?.body, 'sends the message again');
    host.advance(24_000);
    assert.ok(host.openCall('/v1/table'), 'asks for a table again');
  });

  test(`${build}: samples go on when the agent answers late, each taken once`, () => {
    const { host, agent } = startFilter(build);
    agent.collect(1_000);
    for (let i = 0; i < 10; i++) {
      calls(host, 3);
      host.advance(1_000);
      // 1.9 s after it was sent, just within its time-out.
      const late = host.openCall('/v1/samples');
      if (!late || host.elapsedMs - late.atMs < 900) continue;
      calls(host, 2);
      agent.taken.push(decodeSamples(late.body));
      host.answer(late, 204);
    }
    agent.collect(3_000);
    const sent = agent.taken.flatMap((samples) => samples.edges);
    assert.ok(agent.edge('shop').calls >= 30);
    assert.is(sum(sent).calls, agent.edge('shop').calls);
    const sequences = agent.taken.map((samples) => samples.sequence);
    assert.equal(
      sequences,
      sequences.map((_, i) => i + 1),
    );
  });

  test(`${build}: a new configuration takes over, and gives back when it goes`, () => {
    const { host } = startFilter(build, { agent_cluster: 'one' });
    const first = host.root;
    host.configure({ agent_cluster: 'two' });
    const second = host.root;
    host.advance(1_000, first);
    assert.not.ok(host.calls.some((call) => call.cluster === 'two'));
    host.advance(1_000, second);
    assert.ok(host.calls.some((call) => call.cluster === 'two'));
    const before = host.calls.length;
    host.deleteRoot(second);
    host.advance(2_000, first);
    assert.ok(host.calls.length > before);
  });

  test(`${build}: more clusters than one message holds are told of in several, none twice`, () => {
    const host = new PretendHost(build);
    host.route = (headers) => headers.get(':authority') ?? routeByHeader(headers);
    host.configure({ max_clusters: 4_096 });
    const agent = new PretendAgent(host);
    agent.held();
    const names = Array.from({ length: 1_200 }, (_, i) => `cluster-${'n'.repeat(200)}-${i}`);
    for (const [i, name] of names.entries()) {
      for (let us = 64; us < 60_000_000; us = Math.ceil(us * 1.12)) {
        const stream = host.request({ ':authority': name });
        host.advanceUs(us);
        stream.respond(200).end();
      }
      if (i % 20 === 0) host.advance(100);
    }
    agent.taken.length = 0;
    const [first] = ofPath(host, '/v1/samples');
    if (!first) throw new Error('no message');
    agent.taken.push(decodeSamples(first.body));
    host.answer(first, 204);
    agent.collect(10_000);
    assert.ok(agent.taken.length >= 3, `${agent.taken.length} messages`);
    assert.ok(Math.max(...ofPath(host, '/v1/samples').map((call) => call.body.length)) <= MAX_SAMPLES_BYTES);
    assert.is(agent.count('droppedCalls'), 0);
    const edges = agent.taken.flatMap((samples) => samples.edges);
    const counts = names.map((name) => sum(edges.filter((edge) => edge.cluster === name)).calls);
    assert.equal([...new Set(counts)].length, 1, 'each was called as often');
    assert.ok((counts[0] ?? 0) > 100);
  });
}

test.run();
