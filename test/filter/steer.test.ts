/** Which backend a request is sent to, and which header it carries on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chiSquare } from '../support/chi-square.ts';
import { builds, type PretendHost, type Stream } from '../support/pretend-host.ts';
import { service, startFilter } from '../support/pretend-host-agent.ts';

const HEADER = 'x-weir-backend';

/** Sends calls that end at once and counts where they went. */
function spread(host: PretendHost, calls: number, names: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (let i = 0; i < calls; i++) {
    const stream = host.request();
    const name = stream.requestHeaders.get(HEADER) ?? 'none';
    counts.set(name, (counts.get(name) ?? 0) + 1);
    stream.respond(200).end();
  }
  const others = [...counts.keys()].filter((name) => !names.includes(name));
  assert.equal(others, []);
  return names.map((name) => counts.get(name) ?? 0);
}

for (const build of builds) {
  test(`${build}: exact draws follow the weights, and weight 0 is never drawn`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service([
        { name: 'a', weight: 7_000 },
        { name: 'b', weight: 2_500 },
        { name: 'c', weight: 500 },
        { name: 'd', weight: 0 },
      ]),
    ]);
    const counts = spread(host, 20_000, ['a', 'b', 'c', 'd']);
    const fit = chiSquare(counts, [0.7, 0.25, 0.05, 0]);
    assert.ok(fit.statistic < fit.limit, `${counts} has chi-square ${fit.statistic}, limit ${fit.limit}`);
  });

  test(`${build}: a last backend of weight 10,000 behind others of weight 0 gets everything`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service([
        { name: 'a', weight: 0 },
        { name: 'b', weight: 10_000 },
      ]),
    ]);
    assert.equal(spread(host, 500, ['a', 'b']), [0, 500]);
  });

  test(`${build}: balanced draws keep the weights' shares while nothing queues`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service(
        [
          { name: 'a', weight: 9_800 },
          { name: 'b', weight: 200 },
        ],
        { draw: 'balanced' },
      ),
    ]);
    const counts = spread(host, 20_000, ['a', 'b']);
    const fit = chiSquare(counts, [0.98, 0.02]);
    assert.ok(fit.statistic < fit.limit, `${counts}`);
  });

  test(`${build}: an idle backend of little weight does not win more than its share from a busy one`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service(
        [
          { name: 'a', weight: 9_800 },
          { name: 'b', weight: 200 },
        ],
        { draw: 'balanced' },
      ),
    ]);
    // Five stay in flight at the large one, which for its weight is little.
    for (let busy = 0; busy < 5; ) {
      const stream = host.request();
      if (stream.cluster === 'shop-a') busy += 1;
      else stream.respond(200).end();
    }
    const counts = spread(host, 20_000, ['a', 'b']);
    const fit = chiSquare(counts, [0.98, 0.02]);
    assert.ok(fit.statistic < fit.limit, `${counts}`);
  });

  test(`${build}: balanced draws even out what is in flight, exact ones do not look`, () => {
    const gap = (draw: 'exact' | 'balanced'): number => {
      const { host, agent } = startFilter(build);
      agent.deliver([
        service(
          [
            { name: 'a', weight: 5_000 },
            { name: 'b', weight: 5_000 },
          ],
          { draw },
        ),
      ]);
      let largest = 0;
      let ahead = 0;
      for (let i = 0; i < 600; i++) {
        ahead += host.request().requestHeaders.get(HEADER) === 'a' ? 1 : -1;
        largest = Math.max(largest, Math.abs(ahead));
      }
      return largest;
    };
    assert.ok(gap('balanced') <= 8, `balanced: ${gap('balanced')}`);
    assert.ok(gap('exact') > 8, `exact: ${gap('exact')}`);
  });

  test(`${build}: balanced draws avoid a backend whose calls do not come back, and return when they do`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service(
        [
          { name: 'a', weight: 5_000 },
          { name: 'b', weight: 5_000 },
        ],
        { draw: 'balanced' },
      ),
    ]);
    const stuck: Stream[] = [];
    for (let i = 0; i < 2_000; i++) {
      const stream = host.request();
      if (stream.cluster === 'shop-a') stuck.push(stream);
      else stream.respond(200).end();
    }
    assert.is(stuck.length, 1);
    for (const stream of stuck) stream.end({ flags: 4n });
    const after = spread(host, 4_000, ['a', 'b']);
    const evenAgain = chiSquare(after, [0.5, 0.5]);
    assert.ok(evenAgain.statistic < evenAgain.limit, `${after}`);
  });

  test(`${build}: balanced draws avoid a backend whose last five calls failed until one succeeds; exact ones and probes do not`, () => {
    const failing = (draw: 'exact' | 'balanced', weight: number, outcome: (stream: Stream) => void) => {
      const { host, agent } = startFilter(build);
      const backends = [
        { name: 'a', weight },
        { name: 'b', weight: 10_000 - weight },
      ];
      agent.deliver([service(backends, { draw })]);
      let count = 0;
      for (let i = 0; i < 4_000; i++) {
        const stream = host.request();
        if (stream.cluster !== 'shop-a') stream.respond(200).end();
        else {
          count += 1;
          outcome(stream);
        }
      }
      return { count, host };
    };
    const expect = (count: number, share: number, what: string) => {
      const fit = chiSquare([count, 4_000 - count], [share, 1 - share]);
      assert.ok(fit.statistic < fit.limit, `${what}: ${count} of 4000`);
    };
    const fails = (stream: Stream) => stream.respond(503).end();
    const broken = failing('balanced', 5_000, fails);
    // Only when it is drawn three times; and so for connections that are refused.
    expect(broken.count, 0.125, 'refused');
    expect(failing('balanced', 5_000, (stream) => stream.end({ flags: 32n })).count, 0.125, 'reset');
    expect(failing('exact', 5_000, fails).count, 0.5, 'exact');
    expect(failing('balanced', 200, fails).count, 0.02, 'a probe');
    let calls = 0;
    const mostly = (stream: Stream) => stream.respond(++calls % 5 === 0 ? 200 : 503).end();
    expect(failing('balanced', 5_000, mostly).count, 0.5, 'four in a row');
    expect(failing('balanced', 5_000, (stream) => stream.respond(404).end()).count, 0.5, '404 is the caller’s fault');
    const after = spread(broken.host, 4_000, ['a', 'b']);
    const evenAgain = chiSquare(after, [0.5, 0.5]);
    assert.ok(evenAgain.statistic < evenAgain.limit, `${after}`);
  });

  test(`${build}: of several that are idle, balanced draws prefer none; one whose last call failed takes over from nobody`, () => {
    const { host, agent } = startFilter(build);
    const names = ['a', 'b', 'c', 'd'];
    agent.deliver([
      service(
        names.map((name) => ({ name, weight: 2_500 })),
        { draw: 'balanced' },
      ),
    ]);
    // One call stays in flight; each of the next is drawn at its backend one time in four, and is taken over.
    const held = host.request();
    const busy = held.requestHeaders.get(HEADER) ?? '';
    const counts = spread(host, 6_000, names);
    const idle = counts.filter((_, i) => names[i] !== busy);
    assert.is(counts[names.indexOf(busy)], 0);
    const fit = chiSquare(idle, [1 / 3, 1 / 3, 1 / 3]);
    assert.ok(fit.statistic < fit.limit, `${counts}`);
    let failed = '';
    while (failed === '') {
      const stream = host.request();
      failed = stream.requestHeaders.get(HEADER) ?? '';
      stream.respond(503).end();
    }
    const after = Array.from({ length: 6_000 }, () => {
      const stream = host.request();
      const name = stream.requestHeaders.get(HEADER) ?? '';
      // It never comes back to be well.
      stream.respond(name === failed ? 503 : 200).end();
      return name;
    });
    // Drawn three times, 94; a third of what is drawn at the busy one would be 500 more.
    assert.ok(
      after.filter((name) => name === failed).length < 240,
      `${after.filter((name) => name === failed).length}`,
    );
    assert.is(after.filter((name) => name === busy).length, 0);
    held.respond(200).end();
  });

  test(`${build}: what is in flight is known across a change of table`, () => {
    const { host, agent } = startFilter(build);
    const even = service(
      [
        { name: 'a', weight: 5_000 },
        { name: 'b', weight: 5_000 },
      ],
      { draw: 'balanced' },
    );
    agent.deliver([
      service([
        { name: 'a', weight: 10_000 },
        { name: 'b', weight: 0 },
      ]),
    ]);
    for (let i = 0; i < 50; i++) host.request();
    agent.deliver([even]);
    const drawn = Array.from({ length: 200 }, () => host.request().cluster);
    const first = drawn.slice(0, 40).filter((cluster) => cluster === 'shop-a').length;
    assert.ok(first < 20, `${first} of the first 40 went to the backend with 50 in flight`);
  });

  test(`${build}: a steered request carries the drawn backend, and its route is chosen again once`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service([
        { name: 'a', weight: 10_000 },
        { name: 'b', weight: 0 },
      ]),
    ]);
    const stream = host.request({ [HEADER]: 'b', ':path': '/' });
    assert.is(stream.requestHeaders.get(HEADER), 'a');
    assert.is(stream.cluster, 'shop-a');
    assert.is(stream.routeClears, 1);
    stream.respond(200).end();
    host.request().respond(200).end();
    agent.collect();
    assert.is(agent.count('strippedHeaders'), 1);
    assert.is(agent.count('steeredCalls'), 2);
    assert.is(agent.edge('shop-a').calls, 2);
  });

  test(`${build}: a client's header cannot lead a request past its service`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([service([{ name: 'a', weight: 10_000 }])]);
    const stream = host.request({ [HEADER]: 'elsewhere' });
    assert.is(stream.cluster, 'shop-a');
    agent.collect();
    assert.is(agent.count('strippedHeaders'), 1);
    assert.is(agent.count('steeredCalls'), 1);
  });

  test(`${build}: calls that the plain route already sends to a backend are steered too`, () => {
    const { host, agent } = startFilter(build);
    host.route = (headers) => `shop-${headers.get(HEADER) ?? 'b'}`;
    agent.deliver([
      service([
        { name: 'a', weight: 10_000 },
        { name: 'b', weight: 0 },
      ]),
    ]);
    assert.is(host.request().cluster, 'shop-a');
  });

  test(`${build}: without a table, and for services that it does not name, a client's header is removed`, () => {
    const { host, agent } = startFilter(build);
    const before = host.request({ [HEADER]: 'a' });
    assert.not.ok(before.requestHeaders.has(HEADER));
    assert.is(before.cluster, 'shop');
    assert.is(before.routeClears, 1);
    agent.deliver([service([{ name: 'a', weight: 10_000 }], { service: 'other' })]);
    const unnamed = host.request({ [HEADER]: 'b'.repeat(60_000) });
    assert.not.ok(unnamed.requestHeaders.has(HEADER), 'also one that is larger than there is room for');
    const empty = host.request({ [HEADER]: '' });
    assert.not.ok(empty.requestHeaders.has(HEADER));
    before.respond(200).end();
    agent.collect();
    assert.is(agent.count('strippedHeaders'), 3);
    assert.is(agent.edge('shop').calls, 1);
  });

  test(`${build}: a client's header that fills all the room there is for values hides no call`, () => {
    const { host, agent } = startFilter(build);
    for (let bytes = 16_000; bytes < 16_500; bytes += 8)
      host
        .request({ [HEADER]: 'x'.repeat(bytes) })
        .respond(200)
        .end();
    agent.collect();
    assert.is(agent.edge('shop').calls, 63);
    assert.is(agent.count('droppedCalls'), 0);
  });

  test(`${build}: a request that is not steered and carries no header is left alone`, () => {
    const { host } = startFilter(build);
    const stream = host.request({ ':path': '/', accept: '*/*' });
    assert.equal(Object.fromEntries(stream.requestHeaders), { ':path': '/', accept: '*/*' });
    assert.is(stream.routeClears, 0);
  });

  test(`${build}: a trial gets its share, its own weights and samples of its own`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([
      service(
        [
          { name: 'a', weight: 10_000, trialWeight: 0 },
          { name: 'b', weight: 0, trialWeight: 6_000 },
          { name: 'c', weight: 0, trialWeight: 4_000 },
        ],
        { trialId: 7, trialShare: 2_500 },
      ),
    ]);
    const counts = spread(host, 20_000, ['a', 'b', 'c']);
    const fit = chiSquare(counts, [0.75, 0.15, 0.1]);
    assert.ok(fit.statistic < fit.limit, `${counts}`);
    agent.collect();
    assert.equal(
      [agent.edge('shop-a').calls, agent.edge('shop-b', 'trial', 7).calls, agent.edge('shop-c', 'trial', 7).calls],
      counts,
    );
    assert.is(agent.edge('shop-b').calls + agent.edge('shop-c').calls + agent.edge('shop-a', 'trial', 7).calls, 0);
  });

  test(`${build}: a straggler of the trial before counts for its own, never for the trial of now nor as stable`, () => {
    const { host, agent } = startFilter(build);
    const trial = (trialId: number) => service([{ name: 'a', weight: 10_000 }], { trialId, trialShare: 10_000 });
    agent.deliver([trial(1)]);
    const early = host.request();
    const stragglers = [host.request(), host.request()];
    early.respond(200).end();
    agent.deliver([trial(2)]);
    // One ends before the first trial's calls were told of, one after.
    stragglers[0]?.respond(500).end();
    for (let i = 0; i < 3; i++) host.request().respond(200).end();
    agent.collect();
    stragglers[1]?.respond(404).end();
    host.request().respond(200).end();
    agent.collect();
    assert.equal(agent.edge('shop-a', 'trial', 1).outcomes, [1, 0, 1, 1, 0, 0]);
    assert.equal(agent.edge('shop-a', 'trial', 2).outcomes, [4, 0, 0, 0, 0, 0]);
    assert.is(agent.edge('shop-a').calls, 0);
    assert.is(agent.count('droppedCalls'), 0);
  });

  test(`${build}: calls of a third trial that cannot be told apart are dropped and counted`, () => {
    const { host, agent } = startFilter(build);
    const drawn = [1, 2, 3].map((trialId) => {
      agent.deliver([service([{ name: 'a', weight: 10_000 }], { trialId, trialShare: 10_000 })]);
      return host.request();
    });
    for (const stream of drawn) stream.respond(200).end();
    agent.collect();
    assert.equal(
      [1, 2, 3].map((trialId) => agent.edge('shop-a', 'trial', trialId).calls),
      [1, 1, 0],
    );
    assert.is(agent.count('droppedCalls'), 1);
  });

  test(`${build}: every trial of a large table has its samples ready from the first call on`, () => {
    const { host, agent } = startFilter(build);
    const names = Array.from({ length: 200 }, (_, i) => `s${i}`);
    host.route = (headers) => `${headers.get(':authority')}-a`;
    const tables = (trialShare: number) =>
      names.map((name) =>
        service([{ name: 'a', weight: 10_000 }], { service: name, trialId: 1, trialShare, entryClusters: [] }),
      );
    const callAll = () => {
      for (const name of names) host.request({ ':authority': name }).respond(200).end();
    };
    agent.deliver(tables(0));
    callAll();
    agent.deliver(tables(10_000));
    callAll();
    agent.collect();
    assert.is(agent.count('droppedCalls'), 0);
    for (const name of names) assert.is(agent.edge(`${name}-a`, 'trial', 1).calls, 1, name);
  });

  test(`${build}: where no route matches the header, the call counts where it really went`, () => {
    const { host, agent } = startFilter(build);
    host.route = () => 'shop';
    agent.deliver([service([{ name: 'a', weight: 10_000 }])]);
    host.request().respond(200).end();
    const samples = agent.collect();
    assert.is(agent.edge('shop').calls, 1);
    assert.is(agent.edge('shop-a').calls, 0);
    assert.equal(samples.at(-1)?.edges.filter((edge) => edge.inFlight > 0) ?? [], []);
  });
}

test.run();
