/** Scenario files: what is taken, what is refused and in which words, how they scale, which routes they make. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../../deploy/local/root.ts';
import { pagePath, scenarioPage, scenarioSchema, schemaPath } from '../../deploy/local/scenario/emit.ts';
import { BadScenario, parseScenario } from '../../deploy/local/scenario/parse.ts';
import { readScenario } from '../../deploy/local/scenario/read.ts';
import { routesOf } from '../../deploy/local/scenario/routes.ts';
import { scaleTo } from '../../deploy/local/scenario/scale.ts';
import { weightsOf } from '../../deploy/local/scenario/weights.ts';
import { smallScenario } from './small-scenario.ts';

function refusals(text: string): readonly string[] {
  try {
    parseScenario(text, 'mine.yaml');
  } catch (error) {
    if (error instanceof BadScenario) return error.messages;
    throw error;
  }
  return [];
}

test('defaults are filled in', () => {
  const scenario = parseScenario(smallScenario, 'small.yaml');
  assert.is(scenario.durationS, 60);
  assert.is(scenario.warmupS, 5);
  const [front, stock] = scenario.services;
  assert.is(front?.port, 80);
  assert.equal(front?.calls, [[{ service: 'stock', count: 1, probability: 1, optional: false }]]);
  assert.is(stock?.backends[0]?.concurrency, 8);
  assert.is(stock?.backends[0]?.serviceTime.kind, 'lognormal');
});

test('a wrong key is named with its path and the nearest known key, in one sentence', () => {
  const text = smallScenario.replace('endpoints: 2', 'endpoint: 2');
  assert.equal(refusals(text), ['services[1].backends[0].endpoint is not known; did you mean endpoints?']);
  // The right key is then missing too, which is the same mistake.
  assert.equal(refusals(smallScenario.replace('zones:', 'zone:')), ['zone is not known; did you mean zones?']);
});

test('a key like no other gets the list of known ones', () => {
  const [message] = refusals(smallScenario.replace('endpoints: 2', 'colour: 2'));
  assert.match(
    message ?? '',
    /^services\[1\]\.backends\[0\]\.colour is not known; allowed here: name, zone, endpoints,/,
  );
});

test('a wrong value is shown with what is allowed, and all wrong values at once', () => {
  const text = smallScenario.replace('endpoints: 2', 'endpoints: 0').replace('kind: constant, rps', 'kind: flat, rps');
  assert.equal(refusals(text), [
    'services[1].backends[0].endpoints is 0; it must be an integer from 1 to 16',
    'load[0].phases[0].kind is "flat"; it must be constant, ramp, steps or sine',
  ]);
});

/** A change to the small scenario, and what is then said of it. */
const mistakes: readonly [from: string, to: string, message: string][] = [
  [
    '- name: front',
    '- name: front\n    timeoutMs: fast',
    'services[0].timeoutMs is "fast"; it must be an integer from 1 to 600000',
  ],
  [
    'zone: east, endpoints',
    'zone: eats, endpoints',
    'services[1].backends[0].zone is "eats", no zone of this scenario; did you mean east?',
  ],
  [
    'service: stock',
    'service: stok',
    'services[0].calls[0][0].service is "stok", no service of this scenario; did you mean stock?',
  ],
  [
    '  - name: stock\n',
    '  - name: stock\n    calls: [[{ service: front }]]\n',
    'services[1].calls go in a circle: front → stock → front; a call tree must end',
  ],
  [
    'backend: stock/v2',
    'backend: stock/v3',
    'events[0].backend is "stock/v3", no service/backend of this scenario; did you mean stock/v1?',
  ],
  [
    'backend: stock/v2',
    'backend: v2',
    'events[0].backend is "v2", no service/backend of this scenario; there are front/v1, stock/v1, stock/v2',
  ],
  ['change: { errorRatio: 0.9 }', 'change: {}', 'events[0].change is empty; it must say what changes'],
  [', change: { errorRatio: 0.9 }', '', 'events[0] has neither change nor heal: true; it must have one of them'],
  ['atS: 40', 'atS: 400', 'events[1].atS is 400; it must be at most durationS, 60'],
  ['name: front', 'name: stock', 'services[1].name is "stock" for the second time'],
  ['{ name: node-west, zone: west }', '{ name: node-west, zone: east }', 'zones[1] is west, which no node stands in'],
  ['between: [east, west]', 'between: [east, east]', 'wire[0].between names east twice; a wire lies between two zones'],
  [
    'meanMs: 5, p99Ms: 15',
    'meanMs: 5, p99Ms: 100',
    'services[1].backends[0].serviceTime.p99Ms is 20 times meanMs; it must be 1.1 to 14 times',
  ],
  ['phases: [{ kind: constant, rps: 20 }]', '', 'load[0] has neither phases nor csv; it must have one of them'],
  [
    '{ objective: { latencyMs: 40 } }',
    '{ policy: inverse-latncy }',
    'services[1].route is refused: spec.policy: inverse-latncy is not known; did you mean inverse-latency?',
  ],
  [
    '{ objective: { latencyMs: 40 } }',
    '{ minShare: 0.7 }',
    'services[1].route is refused: spec.backends: minShare sums to 1.4; it must be at most 1',
  ],
  [
    '{ objective: { latencyMs: 40 } }',
    '{ objektive: {} }',
    'services[1].route.objektive is not known; did you mean objective?',
  ],
  [
    'seed: 3',
    'seed: &a 3\ntargetMs: *b',
    'the file cannot be read: Unresolved alias (the anchor must be set before the alias): b',
  ],
];

for (const [from, to, message] of mistakes) {
  test(`one mistake, one sentence: ${message}`, () => {
    assert.ok(smallScenario.includes(from), `the small scenario has ${from}`);
    assert.equal(refusals(smallScenario.replace(from, to)), [message]);
  });
}

test('a phase must have the keys of its kind and no others', () => {
  const text = smallScenario.replace('kind: constant, rps: 20', 'kind: sine, rps: 20, periodS: 3');
  assert.equal(refusals(text), [
    'load[0].phases[0].meanRps is missing; kind sine needs it',
    'load[0].phases[0].amplitudeRps is missing; kind sine needs it',
    'load[0].phases[0].rps does not belong to kind sine, which has meanRps, amplitudeRps, periodS',
  ]);
});

test('what is no YAML, no map or nothing at all is refused as such', () => {
  assert.match(refusals('name: x\nzones: [a\n')[0] ?? '', /^the file is not YAML: /);
  assert.equal(refusals('- a\n'), ['the file is ["a"]; it must be a map']);
  assert.equal(refusals(''), ['the file is null; it must be a map']);
});

test('whole AdaptiveRoutes must name what the scenario has', () => {
  const route = (cluster: string, host = 'stock') => `${smallScenario.replace(/ {4}route:.*\n/, '')}routes:
  - apiVersion: weir.dev/v1alpha1
    kind: AdaptiveRoute
    metadata: { name: stock, namespace: demo }
    spec:
      host: ${host}
      port: 80
      backends:
        - { name: v1, cluster: outbound|80|v1|stock }
        - { name: v2, cluster: ${cluster} }
`;
  assert.equal(refusals(route('outbound|80|v2|stock')), []);
  assert.equal(refusals(route('v2')), [
    'routes[0].spec.backends[1].cluster is v2; here it must be outbound|80|v2|stock',
  ]);
  assert.equal(refusals(route('v2', 'stok')), [
    'routes[0].spec.host is "stok:80", no service of this scenario; did you mean stock:80?',
  ]);
});

test('the error says the file and the line before each sentence', () => {
  assert.throws(
    () => parseScenario(smallScenario.replace('endpoints: 2', 'endpoints: 0'), 'mine.yaml'),
    (error: Error) =>
      error.message === 'mine.yaml:16: services[1].backends[0].endpoints is 0; it must be an integer from 1 to 16',
  );
});

test('a request-rate file that cannot serve is refused before anything starts, by the key that names it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  const path = join(folder, 'mine.yaml');
  const refusal = (csv: string): string => {
    const text = smallScenario.replace('phases: [{ kind: constant, rps: 20 }]', `csv: { ${csv} }`);
    writeFileSync(path, text);
    try {
      return String(readScenario(path, join(folder, 'cwd')).rates);
    } catch (error) {
      if (error instanceof BadScenario) return error.message;
      throw error;
    }
  };
  try {
    writeFileSync(join(folder, 'rates.csv'), 'ts,rps\n0,7\n60,many\n');
    mkdirSync(join(folder, 'cwd'));
    writeFileSync(join(folder, 'cwd', 'other.csv'), 'ts,rps\n0,7\n60,8\n');
    assert.is(
      refusal('path: rates.csv, intervalS: 60'),
      'mine.yaml:19: load[0].csv.path is rates.csv, whose line 3 has "many" where column 1 must be a number from 0 up',
    );
    assert.is(
      refusal('path: rates.csv, column: rpm, intervalS: 60'),
      'mine.yaml:19: load[0].csv.column is "rpm", no column of rates.csv; did you mean rps?',
    );
    assert.match(refusal('path: none.csv, intervalS: 60'), /load\[0\]\.csv\.path is none\.csv, which does not exist/);
    assert.match(
      refusal('path: other.csv, intervalS: 60, scale: 2, meanRps: 3'),
      /csv has scale and meanRps; it may have/,
    );
    assert.is(refusal('path: other.csv, intervalS: 60'), '7,8', 'also where weir was started');
    assert.throws(() => readScenario(join(folder, 'no.yaml'), folder), /no\.yaml: the scenario does not exist$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a scenario scales with its duration: events, phases and waves, not latencies nor the warm-up', () => {
  const scenario = parseScenario(
    smallScenario.replace('{ kind: constant, rps: 20 }', '{ kind: steps, stepsRps: [1, 2], everyS: 10, forS: 30 }'),
    'small.yaml',
  );
  const scaled = scaleTo(scenario, 120);
  assert.is(scaled.durationS, 120);
  assert.equal(
    scaled.events.map((event) => event.atS),
    [40, 80],
  );
  assert.is(scaled.load[0]?.phases?.[0]?.everyS, 20);
  assert.is(scaled.load[0]?.phases?.[0]?.forS, 60);
  assert.is(scaled.warmupS, scenario.warmupS);
  assert.equal(scaled.services, scenario.services);
});

test('steered services get an AdaptiveRoute with the cluster of each backend and equal weights', () => {
  const scenario = parseScenario(smallScenario, 'small.yaml');
  const [route, ...others] = routesOf(scenario);
  assert.is(others.length, 0);
  assert.is(route?.spec.host, 'stock');
  assert.is(route?.spec.objective.latencyMs, 40);
  assert.is(route?.spec.mode, 'enforce');
  assert.equal(route?.spec.backends, [
    { name: 'v1', cluster: 'outbound|80|v1|stock', zone: 'east', weight: 5000, minShare: 0.002, maxShare: 1 },
    { name: 'v2', cluster: 'outbound|80|v2|stock', zone: 'west', weight: 5000, minShare: 0.002, maxShare: 1 },
  ]);
});

test('static weights of three sum to the whole', () => {
  const three = parseScenario(smallScenario, 'small.yaml').services[1]?.backends.slice(0, 1) ?? [];
  assert.equal(weightsOf({ backends: [...three, ...three, ...three] }), [3334, 3333, 3333]);
});

test('scenario.schema.json is what the schema says: node dist/deploy/local/scenario/emit.js writes it anew', () => {
  assert.equal(JSON.parse(readFileSync(schemaPath, 'utf8')), JSON.parse(scenarioSchema()));
});

test('every scenario that comes with Weir can be run', () => {
  const folder = join(packageRoot, 'deploy', 'local', 'scenarios');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  assert.ok(files.includes('demo.yaml'));
  for (const file of files) parseScenario(readFileSync(join(folder, file), 'utf8'), file);
});

test('the tables of SCENARIO.md are those of the schema: node dist/deploy/local/scenario/emit.js writes them anew', () => {
  const page = readFileSync(pagePath, 'utf8');
  // The formatter aligns the columns.
  const bare = (text: string) => text.replace(/ +/g, ' ').replace(/-+/g, '-');
  assert.is(bare(page), bare(scenarioPage(page)));
  assert.match(bare(page), '| `oneWayMs` | number 0 to 10000 | required | Latency added on the wire, each way, ms. |');
});

test('every example in SCENARIO.md can be run; one without a name changes parts of the first', () => {
  const page = readFileSync(pagePath, 'utf8');
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  assert.ok(examples.length >= 7);
  const [first = ''] = examples;
  parseScenario(first, 'SCENARIO.md');
  for (const example of examples.slice(1)) {
    parseScenario(stringify({ ...parse(first), ...parse(example) }), 'SCENARIO.md');
  }
});

test.run();
