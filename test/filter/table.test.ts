/** Tables: what is taken, what is refused, how long one is believed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as layout from '../../agent/wire/layout.ts';
import { decodeTable, encodeView, NO_VIEW, tableMessage, unchangedMessage } from '../../agent/wire/table.ts';
import { builds, type PretendHost } from '../support/pretend-host.ts';
import { type PretendAgent, service, startFilter } from '../support/pretend-host-agent.ts';

const HEADER = 'x-weir-backend';
const FOREVER_MS = 4_000_000_000;

const even = service(
  [
    { name: 'a', weight: 5_000, trialWeight: 0 },
    { name: 'b', weight: 5_000, trialWeight: 10_000 },
  ],
  { trialId: 3, trialShare: 100 },
);
const only = (name: string) => [service([{ name, weight: 10_000 }])];

function isRefused(host: PretendHost, agent: PretendAgent, message: Uint8Array): boolean {
  const refusals = () => host.lines.filter((line) => line.includes('refused a table message')).length;
  const before = refusals();
  agent.answerTable(message);
  return refusals() > before;
}

/** The bytes of `even`, changed at one place. */
function changed(at: number, value: number, bytes: 1 | 2 | 4 = 2): Buffer {
  const message = tableMessage(encodeView([even], 1, 9), FOREVER_MS);
  message.writeUIntLE(value, at, bytes);
  return message;
}

const serviceAt = layout.TABLE_HEADER_BYTES;
const backendAt = serviceAt + layout.SERVICE_BYTES;
const entryAt = backendAt + 2 * (layout.BACKEND_BYTES + 'shop-a'.length + 'a'.length);

const wrong: readonly [what: string, message: Buffer][] = [
  ['nothing at all', Buffer.alloc(0)],
  ['another magic', changed(layout.TABLE_MAGIC_AT, 0x12345678, 4)],
  ['another version', changed(layout.TABLE_VERSION_AT, layout.PROTOCOL_VERSION + 1)],
  ['more services than there are', changed(layout.TABLE_SERVICE_COUNT_AT, 2)],
  ['fewer services than there are', changed(layout.TABLE_SERVICE_COUNT_AT, 0)],
  ['a way to draw that nobody knows', changed(serviceAt + layout.SERVICE_DRAW_AT, 2, 1)],
  ['no backends', changed(serviceAt + layout.SERVICE_BACKEND_COUNT_AT, 0, 1)],
  ['too many backends', changed(serviceAt + layout.SERVICE_BACKEND_COUNT_AT, layout.MAX_BACKENDS + 1, 1)],
  ['a trial share over the whole', changed(serviceAt + layout.SERVICE_TRIAL_SHARE_AT, 10_001)],
  ['a trial share of no trial', changed(serviceAt + layout.SERVICE_TRIAL_ID_AT, 0, 4)],
  ['more entry clusters than there are', changed(serviceAt + layout.SERVICE_ENTRY_COUNT_AT, 2)],
  ['weights that sum to 9,999', changed(backendAt + layout.BACKEND_WEIGHT_AT, 4_999)],
  ['trial weights that sum to 10,001', changed(backendAt + layout.BACKEND_TRIAL_WEIGHT_AT, 1)],
  ['a backend without a cluster', changed(backendAt + layout.BACKEND_CLUSTER_BYTES_AT, 0)],
  ['a cluster past the end', changed(backendAt + layout.BACKEND_CLUSTER_BYTES_AT, 0xffff)],
  ['a backend without a header value', changed(backendAt + layout.BACKEND_VALUE_BYTES_AT, 0)],
  ['a header value past the end', changed(backendAt + layout.BACKEND_VALUE_BYTES_AT, 250)],
  ['an entry cluster without a name', changed(entryAt, 0)],
  ['an entry cluster past the end', changed(entryAt, 200)],
  ['bytes behind the last service', Buffer.concat([changed(layout.TABLE_FLAGS_AT, 0), Buffer.from([0])])],
  ['unchanged, of a view that the filter does not have', changed(layout.TABLE_FLAGS_AT, layout.TABLE_UNCHANGED)],
];

for (const build of builds) {
  for (const [what, message] of wrong) {
    test(`${build}: refuses a table with ${what}, and keeps the one before`, () => {
      const { host, agent } = startFilter(build);
      agent.deliver(only('c'), FOREVER_MS);
      assert.ok(isRefused(host, agent, message));
      assert.is(host.request().requestHeaders.get(HEADER), 'c');
      agent.collect();
      assert.is(agent.count('rejectedTables'), 1);
      agent.deliver(only('d'), FOREVER_MS);
      assert.is(host.request().requestHeaders.get(HEADER), 'd', 'and takes the next good one');
    });
  }

  test(`${build}: a table cut off anywhere is refused, and no changed byte makes the filter trap`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver(only('c'), FOREVER_MS);
    const good = tableMessage(
      encodeView([even, service([{ name: 'x', weight: 10_000 }], { service: 'other' })], 1, 5),
      FOREVER_MS,
    );
    for (let length = 0; length < good.length; length++) {
      assert.ok(isRefused(host, agent, good.subarray(0, length)), `cut at ${length}`);
      assert.is(host.request().requestHeaders.get(HEADER), 'c', `cut at ${length}`);
    }
    let refused = 0;
    for (let at = 0; at < good.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const message = Buffer.from(good);
        message.writeUInt8(message.readUInt8(at) ^ mask, at);
        const wasRefused = isRefused(host, agent, message);
        if (wasRefused) refused += 1;
        else assert.not.throws(() => decodeTable(message), `taken with byte ${at} changed by ${mask}`);
        host.request().respond(200).end();
      }
    }
    assert.ok(refused > 100, `${refused} refused`);
    assert.is(host.trap, undefined);
  });

  test(`${build}: a table over max_table_bytes is refused by name`, () => {
    const { host, agent } = startFilter(build, { max_table_bytes: 1_024 });
    const large = Array.from({ length: 40 }, (_, i) => service([{ name: 'a', weight: 10_000 }], { service: `s${i}` }));
    assert.ok(isRefused(host, agent, tableMessage(encodeView(large, 1, 1), FOREVER_MS)));
    assert.match(host.warnings().at(-1) ?? '', /max_table_bytes/);
  });

  test(`${build}: a table is believed for its ttl and no longer, and is asked for anew`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver(only('a'), 1_000);
    host.advance(900);
    assert.is(host.request().cluster, 'shop-a');
    host.advance(200);
    const late = host.request();
    assert.is(late.cluster, 'shop');
    assert.is(late.routeClears, 0);
    assert.is(host.warnings().filter((line) => line.includes('too old')).length, 1);
    host.advance(5_000);
    assert.is(host.warnings().filter((line) => line.includes('too old')).length, 1, 'said once');
    agent.collect();
    assert.is(agent.taken.at(-1)?.viewId, '0'.repeat(16));
  });

  test(`${build}: unchanged refreshes the ttl, also of a table that has just become too old`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver(only('a'), 1_000);
    for (let i = 0; i < 5; i++) {
      host.advance(800);
      agent.unchanged(1_000);
      assert.is(host.request().cluster, 'shop-a');
    }
    const asked = agent.held();
    assert.match(asked.path, new RegExp(`have=${agent.view.viewId}$`));
    host.advance(1_500);
    assert.is(host.request().cluster, 'shop');
    agent.unchanged(1_000);
    assert.is(host.request().cluster, 'shop-a');
  });

  test(`${build}: an agent that came back with no tables is believed, and what grew too old stays out of force`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver(only('a'), 1_000);
    host.advance(1_500);
    host.answer(agent.held(), 503);
    assert.match(agent.held().path, /have=0{16}$/);
    const before = host.warnings().length;
    for (let i = 0; i < 3; i++) {
      agent.answerTable(unchangedMessage(NO_VIEW, 1_000));
      host.advance(5_000);
    }
    assert.is(host.warnings().length, before, 'nothing to complain of');
    assert.is(host.request().cluster, 'shop');
    agent.collect();
    assert.is(agent.count('rejectedTables'), 0);
  });

  test(`${build}: an agent that has no tables yet is no reason to warn, however long`, () => {
    const { host, agent } = startFilter(build);
    for (let i = 0; i < 3; i++) {
      agent.answerTable(i === 1 ? tableMessage(NO_VIEW, 0) : unchangedMessage(NO_VIEW, 0));
      host.advance(20_000);
    }
    assert.equal(host.warnings(), []);
  });

  test(`${build}: a view of nothing ends the steering`, () => {
    const { host, agent } = startFilter(build);
    agent.deliver(only('a'));
    assert.is(host.request().cluster, 'shop-a');
    agent.deliver([]);
    assert.is(host.request().cluster, 'shop');
  });

  test(`${build}: 500 clusters are taken in one table, each steered and each measured from the first call on`, () => {
    const { host, agent } = startFilter(build);
    host.route = (headers) => headers.get(HEADER) ?? headers.get(':authority');
    const names = Array.from({ length: 250 }, (_, i) => `s${i}`);
    agent.deliver(
      names.map((name) => ({
        ...service([{ name: `${name}-a`, weight: 10_000 }], { service: name }),
        backends: [{ name: `${name}-a`, cluster: `${name}-a`, weight: 10_000, trialWeight: 10_000 }],
      })),
    );
    for (const name of names) {
      const stream = host.request({ ':authority': name });
      assert.is(stream.cluster, `${name}-a`);
      stream.respond(200).end();
    }
    agent.collect();
    assert.is(agent.count('droppedCalls'), 0);
    for (const name of names) assert.is(agent.edge(`${name}-a`).calls, 1, name);
  });

  test(`${build}: a table with more clusters than max_clusters steers what it has room for and says so`, () => {
    const { host, agent } = startFilter(build, { max_clusters: 4 });
    const names = ['s0', 's1', 's2', 's3'];
    agent.deliver(names.map((name) => service([{ name: 'a', weight: 10_000 }], { service: name })));
    assert.match(host.warnings().at(-1) ?? '', /names 4 clusters more than max_clusters/);
    host.route = (headers) => headers.get(':authority');
    const steered = names.filter((name) => host.request({ ':authority': name }).requestHeaders.has(HEADER));
    assert.equal(steered, ['s0', 's1']);
  });
}

test.run();
