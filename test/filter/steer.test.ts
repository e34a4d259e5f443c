/** Which backend a request is sent to, and which header it carries on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chiSquare } from '../support/chi-square.ts';
import { builds } from '../support/pretend-host.ts';
import { service, spread, startFilter } from '../support/pretend-host-agent.ts';

const HEADER = 'x-weir-backend';

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
