/** What the end of a call tells, by one expression where the host evaluates CEL and by three reads where it does not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { list } from '../support/pretend-expressions.ts';
import { type Build, builds, PretendHost } from '../support/pretend-host.ts';
import { service, startFilter } from '../support/pretend-host-agent.ts';

const CONNECTION_FAILURE = 1n << 5n;
const PATHS = ['xds.cluster_name', 'response.flags', 'upstream.request_attempt_count'];

/** Calls of every kind, and what is known of them afterwards. */
function figures(build: Build, prepare: (host: PretendHost) => void) {
  const { host, agent } = startFilter(build, {}, prepare);
  agent.deliver([service([{ name: 'a', weight: 10_000 }])]);
  const before = { evaluated: host.expressions.evaluated, propertyReads: host.propertyReads };
  host.request().respond(200).end();
  host.request().respond(503).end({ attempts: 3 });
  host.request().respond(503).end({ flags: CONNECTION_FAILURE });
  host.request().end({ attempts: 0 });
  const moved = host.request().respond(200);
  moved.cluster = 'elsewhere';
  moved.end({ attempts: 2 });
  for (const cluster of [undefined, '', 'x'.repeat(255), 'x'.repeat(256), 'x'.repeat(20_000)]) {
    const stream = host.request().respond(404);
    stream.cluster = cluster;
    stream.end();
  }
  const asked = {
    evaluated: host.expressions.evaluated - before.evaluated,
    propertyReads: host.propertyReads - before.propertyReads,
  };
  agent.collect();
  assert.is(host.trap, undefined);
  const edges = ['shop-a', 'elsewhere', 'x'.repeat(255)].map((cluster) => {
    const { outcomes, retries } = agent.edge(cluster);
    return { outcomes, retries };
  });
  return { edges, dropped: agent.count('droppedCalls'), asked, host };
}

const expected = [
  { outcomes: [1, 0, 3, 1, 2, 0], retries: 2 },
  { outcomes: [1, 0, 0, 0, 0, 0], retries: 1 },
  { outcomes: [0, 0, 1, 0, 0, 0], retries: 0 },
];

/** What a host may give in place of the list. */
const garblings: readonly [what: string, garble: (value: Uint8Array) => Uint8Array][] = [
  ['a list that is empty', () => list([])],
  ['nothing at all', () => new Uint8Array(0)],
  ['a list cut short', (value) => value.subarray(0, -1)],
  ['a list and more', (value) => Buffer.concat([value, Buffer.alloc(1)])],
  ['a list of two', (value) => changed(value, 0, 2)],
  ['a list of many', (value) => changed(value, 0, 0xffffffff)],
  ['a name longer than the list', (value) => changed(value, 4, 0xffffffff)],
  ['pairs that have values', (value) => changed(value, 8, 1)],
  ['flags of four bytes', (value) => changed(value, 12, 4)],
  ['attempts of four bytes', (value) => changed(value, 20, 4)],
  ['text in place of numbers', () => list(['shop-a', 'none', 'once'].map((text) => Buffer.from(text)))],
];

/** A list with another number at this place; one that is empty is let be. */
function changed(value: Uint8Array, at: number, to: number): Uint8Array {
  const copy = Buffer.from(value);
  if (copy.length > 4) copy.writeUInt32LE(to, at);
  return copy;
}

for (const build of builds) {
  test(`${build}: a host that evaluates CEL is asked once at the end of a call, beside the cluster at its start`, () => {
    const { edges, dropped, asked, host } = figures(build, () => {});
    assert.equal(edges, expected);
    assert.is(dropped, 1, 'a name of 256 bytes');
    assert.ok(
      host.lines.some((line) =>
        line.endsWith('configured; agent cluster weir-agent; facts of a call by one expression'),
      ),
    );
    // One that has no cluster at its end is an error to evaluate; two have a name too long for the expression.
    assert.is(asked.evaluated, 9);
    assert.is(asked.propertyReads, 10 + 3 * 3);
  });

  test(`${build}: a host without expressions, or whose token is none, makes no difference to what is known of calls`, () => {
    const without = figures(build, (host) => {
      host.hasExpressions = false;
    });
    const strange = figures(build, (host) => {
      const call = host.expressions.call.bind(host.expressions);
      host.expressions.call = (name, ...more) => (name === 'expr_create' ? new Uint8Array(5) : call(name, ...more));
    });
    for (const { edges, dropped, asked } of [without, strange]) {
      assert.equal(edges, expected);
      assert.is(dropped, 1);
      assert.equal(asked, { evaluated: 0, propertyReads: 10 + 3 * 10 });
    }
  });

  for (const [what, garble] of garblings) {
    test(`${build}: ${what} in place of the list makes no difference to what is known of calls`, () => {
      const { edges, dropped, asked } = figures(build, (host) => {
        host.expressions.garble = garble;
      });
      assert.equal(edges, expected);
      assert.is(dropped, 1);
      assert.is(asked.propertyReads, 10 + 3 * 10);
    });
  }

  for (const path of PATHS) {
    test(`${build}: without ${path} a call has what else there is, and the reads' default`, () => {
      const { host, agent } = startFilter(build);
      const stream = host.request().respond(503);
      host.missing.add(path);
      stream.end({ attempts: 3, flags: CONNECTION_FAILURE });
      agent.collect();
      const { outcomes, retries } = agent.edge('shop');
      assert.equal(outcomes, path === 'response.flags' ? [0, 0, 0, 1, 0, 0] : [0, 0, 0, 0, 1, 0]);
      assert.is(retries, path === 'upstream.request_attempt_count' ? 0 : 2);
    });
  }

  test(`${build}: a host that made no expression is not asked again, request by request`, () => {
    const names: string[] = [];
    const { host } = startFilter(build, {}, (host) => {
      host.expressions.call = (name) => names.push(name) && 1;
    });
    for (let i = 0; i < 5; i++) host.request().respond(200).end();
    host.advance(1_000);
    assert.equal(names, ['expr_create']);
    assert.ok(host.lines.some((line) => line.endsWith('facts of a call by three reads')));
  });

  test(`${build}: an expression that fails 16 times in a row is left alone until the next tick`, () => {
    let evaluations = 0;
    const { host } = startFilter(build, {}, (host) => {
      const call = host.expressions.call.bind(host.expressions);
      host.expressions.call = (name, ...more) => {
        if (name !== 'expr_evaluate') return call(name, ...more);
        evaluations += 1;
        return evaluations % 16 === 0 && evaluations < 160 ? call(name, ...more) : 10;
      };
    });
    for (let i = 0; i < 1_000; i++) host.request().respond(200).end();
    assert.is(evaluations, 144 + 16);
    host.advance(100);
    for (let i = 0; i < 1_000; i++) host.request().respond(200).end();
    assert.is(evaluations, 144 + 32);
  });

  test(`${build}: a new configuration has its own expression; requests of the one before end by theirs`, () => {
    const { host, agent } = startFilter(build);
    const old = host.request();
    const first = host.root;
    host.configure({ zone: 'z' });
    assert.is(host.expressions.count(first), 1);
    assert.is(host.expressions.count(host.root), 1);
    host.propertyReads = 0;
    old.respond(200).end({ attempts: 2 });
    assert.is(host.propertyReads, 0);
    host.deleteRoot(first);
    host.request().respond(200).end({ attempts: 3 });
    assert.is(host.propertyReads, 1);
    agent.collect();
    assert.is(agent.edge('shop').retries, 3);
  });

  test(`${build}: a context that is configured again keeps its expression`, () => {
    const { host } = startFilter(build);
    const { root } = host;
    for (let i = 0; i < 3; i++) host.enter(undefined, (vm) => vm.proxy_on_configure(root, 0));
    assert.is(host.expressions.count(root), 1);
  });

  test(`${build}: a token that the host no longer knows costs nothing but the reads`, () => {
    const { host, agent } = startFilter(build);
    host.expressions.forget(host.root);
    host.request().respond(200).end({ attempts: 2 });
    agent.collect();
    assert.is(agent.edge('shop').retries, 1);
    // A VM of its own begins anew.
    const next = new PretendHost(build);
    next.configure();
    assert.is(next.expressions.count(next.root), 1);
  });
}

test.run();
