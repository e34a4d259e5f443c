/** Balanced draws: shares while nothing queues, the least busy when something does, and nobody falls for who fails at once. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chiSquare } from '../support/chi-square.ts';
import { builds, type Stream } from '../support/pretend-host.ts';
import { service, spread, startFilter } from '../support/pretend-host-agent.ts';

const HEADER = 'x-weir-backend';

/** Backends a, of this weight, and b with the rest. */
function pair(weight: number, draw: 'exact' | 'balanced' = 'balanced') {
  const backends = [
    { name: 'a', weight },
    { name: 'b', weight: 10_000 - weight },
  ];
  return service(backends, { draw });
}

for (const build of builds) {
  test(`${build}: balanced draws keep the weights' shares while nothing queues`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([pair(9_800)]);
    const counts = spread(host, 20_000, ['a', 'b']);
    const fit = chiSquare(counts, [0.98, 0.02]);
    assert.ok(fit.statistic < fit.limit, `${counts}`);
  });

  test(`${build}: an idle backend of little weight does not win more than its share from a busy one`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver([pair(9_800)]);
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
      agent.deliver([pair(5_000, draw)]);
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
    agent.deliver([pair(5_000)]);
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
      agent.deliver([pair(weight, draw)]);
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
    const even = pair(5_000);
    agent.deliver([pair(10_000, 'exact')]);
    for (let i = 0; i < 50; i++) host.request();
    agent.deliver([even]);
    const drawn = Array.from({ length: 200 }, () => host.request().cluster);
    const first = drawn.slice(0, 40).filter((cluster) => cluster === 'shop-a').length;
    assert.ok(first < 20, `${first} of the first 40 went to the backend with 50 in flight`);
  });
}

test.run();
