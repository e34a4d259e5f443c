/** The plugin configuration: every wrong key gets its sentence, and never costs more than its default. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { builds, PretendHost } from '../support/pretend-host.ts';
import { startFilter } from '../support/pretend-host-agent.ts';
import { seeded } from '../support/random.ts';

const wrong: readonly [configuration: string, sentence: string][] = [
  [
    '{"agent_cluser":"x"}',
    'plugin configuration: agent_cluser is not known and has no effect; known are agent_cluster',
  ],
  [
    '{"agent_cluster":7}',
    'plugin configuration: agent_cluster must be a text of 1 to 255 bytes with no escapes, not 7; using its default',
  ],
  ['{"agent_cluster":""}', 'agent_cluster must be a text of 1 to 255 bytes with no escapes, not ""; using its default'],
  [`{"namespace":"${'n'.repeat(256)}"}`, 'namespace must be a text of 0 to 255 bytes'],
  ['{"agent_authority":"a\nb"}', 'agent_authority must be a text'],
  ['{"zone":"a\\"b"}', 'plugin configuration: zone must be a text'],
  ['{"sample_interval_ms":199}', 'sample_interval_ms must be a whole number from 200 to 60000, not 199; using 1000'],
  ['{"sample_interval_ms":60001}', 'sample_interval_ms must be a whole number from 200 to 60000, not 60001'],
  ['{"sample_interval_ms":"1000"}', 'sample_interval_ms must be a whole number from 200 to 60000, not "1000"'],
  ['{"idle_interval_ms":-1}', 'idle_interval_ms must be a whole number from 1000 to 600000, not -1; using 10000'],
  ['{"max_clusters":0}', 'max_clusters must be a whole number from 1 to 4096, not 0; using 512'],
  ['{"max_clusters":4097}', 'max_clusters must be a whole number from 1 to 4096, not 4097'],
  ['{"max_table_bytes":1.5}', 'max_table_bytes must be a whole number from 1024 to 1048576, not 1.5'],
  ['{"max_table_bytes":99999999999}', 'max_table_bytes must be a whole number from 1024 to 1048576, not 99999999999'],
  ['{"workload":true}', 'workload must be a text'],
  ['{"workload":{"name":"x"}}', 'is not a flat JSON object of texts and whole numbers (byte 12)'],
  ['weir', 'is not a flat JSON object of texts and whole numbers (byte 0)'],
  ['{"workload":"x"', 'is not a flat JSON object'],
  ['[]', 'is not a flat JSON object'],
];

const agentHeader = (host: PretendHost, name: string) => host.openCall('/v1/table')?.headers.get(name);

for (const build of builds) {
  test(`${build}: nothing at all, and an empty object, are the defaults`, () => {
    for (const configuration of ['', '  ', '{}', ' { } ']) {
      const { host, agent } = startFilter(build, configuration);
      assert.equal(host.warnings(), []);
      assert.is(host.openCall('/v1/table')?.cluster, 'weir-agent');
      assert.is(agentHeader(host, ':authority'), 'weir-agent');
      assert.is(agent.collect()[0]?.configErrors, 0);
    }
  });

  test(`${build}: every key is taken`, () => {
    const { host, agent } = startFilter(build, {
      agent_cluster: 'outbound|9901||agent',
      agent_authority: 'agent',
      sample_interval_ms: 200,
      idle_interval_ms: 2_000,
      max_clusters: 1,
      max_table_bytes: 2_048,
      workload: 'w',
      namespace: 'n',
      zone: 'z',
    });
    assert.equal(host.warnings(), []);
    assert.is(host.openCall('/v1/table')?.cluster, 'outbound|9901||agent');
    const headers = [':authority', 'x-weir-workload', 'x-weir-namespace', 'x-weir-zone'].map((name) =>
      agentHeader(host, name),
    );
    assert.equal(headers, ['agent', 'w', 'n', 'z']);
    agent.collect(400);
    const idle = agent.collect(20_000).length;
    assert.is(idle, 10, 'one each two seconds when idle');
    for (let i = 0; i < 10; i++) {
      host.request().respond(200).end();
      agent.collect(200);
    }
    assert.is(agent.taken.length, 1 + idle + 10, 'one each 200 ms under traffic');
    host.route = () => 'another';
    host.request().respond(200).end();
    agent.collect();
    assert.is(agent.count('droppedCalls'), 1, 'there is room for one cluster');
  });

  test(`${build}: whole numbers are taken as Protobuf's JSON may write them`, () => {
    const { host } = startFilter(build, '{"sample_interval_ms": 2000.0,\n "max_clusters" :16}');
    assert.equal(host.warnings(), []);
  });

  for (const [configuration, sentence] of wrong) {
    test(`${build}: ${configuration} is named, counted and costs its default only`, () => {
      const { host, agent } = startFilter(build, configuration);
      const warnings = host.warnings();
      assert.is(warnings.length, 1);
      assert.ok(warnings[0]?.includes(sentence), warnings[0]);
      assert.is(host.openCall('/v1/table')?.cluster, 'weir-agent');
      host.request().respond(200).end();
      agent.collect();
      assert.is(agent.taken[0]?.configErrors, 1);
      assert.is(agent.edge('shop').calls, 1);
    });
  }

  test(`${build}: a configuration too large to be read is named and counted, and all keys have their defaults`, () => {
    const { host, agent } = startFilter(build, { agent_cluster: 'other', padding: 'x'.repeat(1_100_000) });
    assert.match(host.warnings()[0] ?? '', /the plugin configuration of \d+ bytes is too large to be read/);
    assert.is(host.openCall('/v1/table')?.cluster, 'weir-agent');
    assert.is(agent.collect()[0]?.configErrors, 1);
  });

  test(`${build}: two wrong keys cost two sentences, the right one between them stands`, () => {
    const { host, agent } = startFilter(build, '{"a":1,"agent_cluster":"right","b":"2"}');
    assert.is(host.warnings().length, 2);
    assert.is(host.openCall('/v1/table')?.cluster, 'right');
    assert.is(agent.collect()[0]?.configErrors, 2);
  });

  test(`${build}: a workload is known by label, by canonical name, by WORKLOAD_NAME, by node cluster, in this order`, () => {
    const sources = [
      ['xds.node.cluster', 'by-cluster'],
      ['xds.node.metadata.WORKLOAD_NAME', 'by-name'],
      ['xds.node.metadata.LABELS.service.istio.io/canonical-name', 'by-canonical-name'],
      ['xds.node.metadata.LABELS.app', 'by-app'],
    ] as const;
    const seen = sources.map((_, i) => {
      const host = new PretendHost(build);
      for (const [path, value] of sources.slice(0, i + 1)) host.properties.set(path, value);
      host.configure();
      host.advance(100);
      return agentHeader(host, 'x-weir-workload');
    });
    assert.equal(seen, ['by-cluster', 'by-name', 'by-canonical-name', 'by-app']);
  });

  test(`${build}: no configuration, however broken, makes it trap`, () => {
    const random = seeded(11);
    const pieces = ['{', '}', '"', ':', ',', '\\', 'zone', 'max_clusters', '12', '-', ' ', '[', 'null', '\u0000', 'é'];
    for (let i = 0; i < 3_000; i++) {
      const length = Math.floor(random() * 14);
      const text = Array.from({ length }, () => pieces[Math.floor(random() * pieces.length)]).join('');
      const host = new PretendHost(build).configure(text);
      host.advance(100);
      host.request().respond(200).end();
      assert.is(host.trap, undefined, text);
    }
  });
}

test.run();
