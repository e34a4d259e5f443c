/** The oracle: the simulation against theory, the search on scenarios whose answer is plain, and the core that tells what was found. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { parseAll } from '../../controller/routes/parse.ts';
import { parseScenario } from '../../deploy/local/scenario/parse.ts';
import type { ReadScenario } from '../../deploy/local/scenario/read.ts';
import { isSteered, routesOf } from '../../deploy/local/scenario/routes.ts';
import { compareRuns } from './compare.ts';
import { jobsOf } from './jobs.ts';
import type { Figures } from './measure/figures.ts';
import type { RunRecord } from './measure/run.ts';
import { moved, wholeWeights } from './oracle/candidate.ts';
import { isBetter, scoreOf } from './oracle/score.ts';
import { searchWeights } from './oracle/search.ts';
import { type SimulatedRequest, simulate } from './oracle/simulate.ts';
import { type FixedWeights, fixedWeightsOf, withFixedWeights } from './peers/fixed-weights.ts';
import { createOracleCore } from './peers/oracle-core.ts';
import { ORACLE, scenarioFor, setUpNamed } from './peers/set-ups.ts';
import { tableOf, weightLines } from './report/table.ts';

const HERE = 'zones: [here]\nnodes: [{ name: node-1, zone: here }]';
const TWO_ZONES = 'zones: [west, east]\nnodes: [{ name: node-1, zone: west }, { name: node-2, zone: east }]';

function read(text: string): ReadScenario {
  const scenario = parseScenario(`name: small\nwarmupS: 0\n${text}`, 'small.yaml');
  return { scenario, rates: scenario.load.map(() => []) };
}

/** One service with one backend that is asked so many times a second. */
function queue(backend: string, rps: number, durationS: number, rest = ''): ReadScenario {
  return read(`durationS: ${durationS}
${HERE}
services: [{ name: shop, timeoutMs: 600000, backends: [{ name: v1, zone: here, ${backend} }] }]
load: [{ zone: here, service: shop, phases: [{ rps: ${rps} }] }]
${rest}`);
}

/** Latencies to the µs: what is left of differences of instants. */
function play(scenario: ReadScenario, weights: FixedWeights = {}): readonly SimulatedRequest[] {
  const { requests } = simulate({ read: scenario, weights, seed: 7, settlesS: 0 });
  return requests.map((request) => ({ ...request, latencyMs: Math.round(request.latencyMs * 1000) / 1000 }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function meanMs(requests: readonly SimulatedRequest[]): number {
  return mean(requests.map(({ latencyMs }) => latencyMs));
}

function failedRatio(requests: readonly SimulatedRequest[]): number {
  return mean(requests.map(({ status }) => (status >= 500 ? 1 : 0)));
}

function isNear(actual: number, expected: number, part: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= part * expected, `${what}: ${actual}, expected ${expected}`);
}

test('one slot waits as Pollaczek and Khinchine say, whatever the spread of the service time', () => {
  const perMs = 0.0125;
  const ms = 40;
  for (const [time, squared] of [
    [`{ kind: constant, meanMs: ${ms} }`, ms ** 2],
    [`{ kind: uniform, meanMs: ${ms}, spreadMs: 40 }`, ms ** 2 + 40 ** 2 / 3],
    [`{ kind: exponential, meanMs: ${ms} }`, 2 * ms ** 2],
  ] as const) {
    const requests = play(queue(`concurrency: 1, queue: 100000, serviceTime: ${time}`, perMs * 1000, 800));
    isNear(meanMs(requests) - ms, (perMs * squared) / (2 * (1 - perMs * ms)), 0.1, time);
  }
});

test('four slots wait as Erlang says', () => {
  const slots = 4;
  const offered = 2.8;
  const ms = 40;
  const backend = `concurrency: ${slots}, queue: 100000, serviceTime: { kind: exponential, meanMs: ${ms} }`;
  const requests = play(queue(backend, (offered / ms) * 1000, 500));
  const terms = [1, offered, offered ** 2 / 2, offered ** 3 / 6];
  const full = (offered ** slots / 24) * (slots / (slots - offered));
  const waits = full / (terms.reduce((sum, term) => sum + term, 0) + full);
  isNear(meanMs(requests) - ms, (waits * ms) / (slots - offered), 0.1, 'mean wait');
});

test('without a queue the share refused is that of Erlang, and a refusal takes no time', () => {
  const requests = play(queue('concurrency: 1, queue: 0, serviceTime: { kind: constant, meanMs: 10 }', 100, 100));
  isNear(failedRatio(requests), 0.5, 0.03, 'refused');
  assert.ok(requests.every(({ status, latencyMs }) => status === (latencyMs === 0 ? 503 : 200)));
});

test('errors, timeouts and events are as the scenario says, and a retry draws anew', () => {
  const backend = 'serviceTime: { kind: constant, meanMs: 10 }';
  const events = `events:
  - { atS: 10, backend: shop/v1, change: { errorRatio: 0.4 } }
  - { atS: 20, backend: shop/v1, change: { serviceTimeMultiplier: 3 } }
  - { atS: 30, backend: shop/v1, change: { down: true } }
  - { atS: 40, backend: shop/v1, heal: true }`;
  const asked = queue(`concurrency: 1000, ${backend}`, 100, 50, events);
  const requests = play(asked);
  const between = (fromS: number, toS: number) =>
    requests.filter(({ atMs }) => atMs >= fromS * 1000 && atMs < toS * 1000 - 50);
  assert.is(meanMs(between(0, 10)), 10);
  isNear(failedRatio(between(10, 30)), 0.4, 0.1, 'failed');
  assert.ok(between(20, 30).every(({ status, latencyMs }) => status === 503 || latencyMs === 30));
  assert.is(failedRatio(between(30, 40)), 1);
  assert.is(failedRatio(between(40, 50)), 0);

  const { scenario } = asked;
  const retried = { ...scenario, services: scenario.services.map((service) => ({ ...service, retries: 2 })) };
  const second = play({ ...asked, scenario: retried }).filter(({ atMs }) => atMs >= 10_000 && atMs < 29_000);
  isNear(failedRatio(second), 0.4 ** 3, 0.25, 'failed after two retries');

  const hasty = { ...scenario, events: [], services: scenario.services.map((each) => ({ ...each, timeoutMs: 4 })) };
  assert.ok(play({ ...asked, scenario: hasty }).every(({ status, latencyMs }) => status === 504 && latencyMs === 4));
});

test('an endpoint that is down fails its share, and who works there is reset', () => {
  const asked = queue(
    'endpoints: 2, concurrency: 100, serviceTime: { kind: constant, meanMs: 200 }',
    50,
    20,
    'events: [{ atS: 10, backend: shop/v1, endpoint: 1, change: { down: true } }]',
  );
  const random = {
    ...asked,
    scenario: { ...asked.scenario, services: asked.scenario.services.map(toRandom) },
  };
  const requests = play(random);
  isNear(failedRatio(requests.filter(({ atMs }) => atMs >= 10_000)), 0.5, 0.2, 'failed');
  const reset = requests.filter(({ atMs, status }) => atMs < 10_000 && status === 503);
  assert.ok(reset.length > 0 && reset.every(({ atMs, latencyMs }) => Math.abs(atMs + latencyMs - 10_000) < 0.001));
});

function toRandom<T>(service: T): T & { loadBalancing: 'RANDOM' } {
  return { ...service, loadBalancing: 'RANDOM' };
}

test('wires add up both ways, stages one after the other, and a wire that changes counts from then on', () => {
  const requests = play(
    read(`durationS: 20
${TWO_ZONES}
wire: [{ between: [west, east], oneWayMs: 7 }]
services:
  - name: shop
    backends: [{ name: v1, zone: east, concurrency: 100, serviceTime: { kind: constant, meanMs: 5 } }]
    calls: [[{ service: near }, { service: slow }], [{ service: far, count: 2 }]]
  - { name: near, backends: [{ name: v1, zone: east, concurrency: 100, serviceTime: { kind: constant, meanMs: 3 } }] }
  - { name: slow, backends: [{ name: v1, zone: east, concurrency: 100, serviceTime: { kind: constant, meanMs: 20 } }] }
  - { name: far, backends: [{ name: v1, zone: west, concurrency: 100, serviceTime: { kind: constant, meanMs: 4 } }] }
load: [{ zone: west, service: shop, phases: [{ rps: 20 }] }]
events: [{ atS: 10, wire: { between: [west, east], oneWayMs: 30 } }]`),
  );
  const latencies = (isLate: boolean) => [
    ...new Set(
      requests.filter(({ atMs }) => (isLate ? atMs >= 10_000 : atMs < 9_800)).map(({ latencyMs }) => latencyMs),
    ),
  ];
  assert.equal(latencies(false), [14 + 5 + 20 + 14 + 4]);
  assert.equal(latencies(true), [60 + 5 + 20 + 60 + 4]);
});

test('calls are made by their chance, and one that is optional fails nobody', () => {
  const asked = (optional: boolean) =>
    play(
      read(`durationS: 60
${HERE}
services:
  - name: shop
    backends: [{ name: v1, zone: here, concurrency: 100, serviceTime: { kind: constant, meanMs: 5 } }]
    calls: [[{ service: advice, probability: 0.3, optional: ${optional} }]]
  - { name: advice, backends: [{ name: v1, zone: here, errorRatio: 1, serviceTime: { meanMs: 5 } }] }
load: [{ zone: here, service: shop, phases: [{ rps: 50 }] }]
events: []`),
    );
  assert.is(failedRatio(asked(true)), 0);
  const needed = asked(false);
  isNear(failedRatio(needed), 0.3, 0.1, 'failed');
  assert.ok(needed.every(({ status }) => status === 200 || status === 502));
});

const UNEQUAL = `durationS: 4
targetMs: 150
${HERE}
services:
  - name: shop
    steered: true
    backends:
      - { name: small, zone: here, concurrency: 2, queue: 200, serviceTime: { meanMs: 40, p99Ms: 90 } }
      - { name: large, zone: here, concurrency: 8, queue: 200, serviceTime: { meanMs: 40, p99Ms: 90 } }
load: [{ zone: here, service: shop, phases: [{ rps: 200 }] }]
events: []`;

const FAR = `durationS: 4
zones: [west, east, far]
nodes: [{ name: node-1, zone: west }, { name: node-2, zone: east }, { name: node-3, zone: far }]
wire:
  - { between: [west, east], oneWayMs: 1 }
  - { between: [west, far], oneWayMs: 60 }
  - { between: [east, far], oneWayMs: 60 }
services:
  - name: shop
    steered: true
    backends:
      - { name: west, zone: west, concurrency: 4, serviceTime: { meanMs: 30, p99Ms: 70 } }
      - { name: east, zone: east, concurrency: 4, serviceTime: { meanMs: 30, p99Ms: 70 } }
      - { name: far, zone: far, concurrency: 4, serviceTime: { meanMs: 30, p99Ms: 70 } }
load: [{ zone: west, service: shop, phases: [{ rps: 60 }] }, { zone: east, service: shop, phases: [{ rps: 30 }] }]
events: []`;

const BROKEN = `durationS: 4
${HERE}
services:
  - name: shop
    steered: true
    backends:
      - { name: v1, zone: here, concurrency: 4, serviceTime: { meanMs: 15, p99Ms: 50 } }
      - { name: v2, zone: here, concurrency: 4, serviceTime: { meanMs: 15, p99Ms: 50 } }
load: [{ zone: here, service: shop, phases: [{ rps: 60 }] }]
events: [{ atS: 1, backend: shop/v2, change: { errorRatio: 1 } }]`;

test('weights follow the share even when two are drawn, and exactly when one is', () => {
  const asked = read(UNEQUAL.replace('durationS: 4', 'durationS: 20'));
  const [scenario] = [asked.scenario];
  const slow = {
    ...asked,
    scenario: {
      ...scenario,
      services: scenario.services.map((service) => ({
        ...service,
        backends: service.backends.map((backend) => ({
          ...backend,
          concurrency: 1000,
          serviceTime: { kind: 'constant' as const, meanMs: backend.name === 'small' ? 10 : 20 },
        })),
      })),
    },
  };
  const shareOfSmall = (small: number) =>
    mean(play(slow, weightsOf(small)).map(({ latencyMs }) => (latencyMs < 15 ? 1 : 0)));
  isNear(shareOfSmall(2_000), 0.2, 0.25, 'share of the small one');
  assert.is(shareOfSmall(0), 0);
  assert.is(shareOfSmall(10_000), 1);
});

function weightsOf(small: number): FixedWeights {
  return { 'shop:80': { here: { small, large: 10_000 - small } } };
}

test('the search finds what is plain: shares by capacity, no far zone, nothing for what fails; and the same each time', () => {
  const unequal = searchWeights(read(UNEQUAL), 0);
  const { small = 0 } = unequal.weights['shop:80']?.here ?? {};
  assert.ok(small >= 1_000 && small <= 3_000, `small has ${small}`);
  assert.equal(searchWeights(read(UNEQUAL), 0), unequal);

  const far = searchWeights(read(FAR), 0).weights['shop:80'];
  assert.equal(Object.keys(far ?? {}), ['west', 'east']);
  for (const zone of ['west', 'east']) assert.ok((far?.[zone]?.far ?? 1) <= 100, JSON.stringify(far));

  const broken = searchWeights(read(BROKEN), 0);
  assert.equal(broken.weights['shop:80']?.here, { v1: 10_000, v2: 0 });
  assert.is(broken.score.errorRatio, 0);
});

test('a score is better by p99 to the ms, then goodput, then mean; among failures by fewer of them', () => {
  const request = (latencyMs: number, status = 200): SimulatedRequest => ({ atMs: 0, latencyMs, status });
  const scenario = { durationS: 1, targetMs: 100 };
  const score = (...requests: SimulatedRequest[]) => scoreOf(scenario, [requests]);
  assert.equal(score(request(10), request(200), request(1, 503)), {
    p99Ms: null,
    errorRatio: 1 - 2 / 3,
    goodputRps: 1,
    meanMs: 105,
  });
  assert.ok(isBetter(score(request(10)), score(request(12))));
  assert.not(isBetter(score(request(10.2)), score(request(10.2))));
  assert.ok(isBetter(score(request(10.1)), score(request(10.2))), 'mean');
  assert.ok(isBetter(score(request(900)), score(request(1), request(1, 503))));
  assert.ok(isBetter(score(request(1), request(1), request(1, 503)), score(request(1), request(1, 503))));
});

test('weights stay whole and sum to 10,000 however they are moved', () => {
  assert.equal(wholeWeights([1, 1, 1]), [3_334, 3_333, 3_333]);
  assert.equal(wholeWeights([0, 0]), [5_000, 5_000]);
  assert.equal(moved([5_000, 3_000, 2_000], 0, 2_500), [7_500, 1_500, 1_000]);
  assert.equal(moved([10_000, 0, 0], 0, -4_000), [6_000, 2_000, 2_000]);
  assert.is(moved([10_000, 0], 0, 500), undefined);
});

const FOUND: FixedWeights = {
  'shop:80': { west: { west: 9_000, east: 1_000, far: 0 }, east: { west: 0, east: 10_000, far: 0 } },
};

test('weights go into the routes and come out of them, and what is steered stays so', () => {
  const { scenario } = read(FAR);
  const changed = scenarioFor(scenario, { ...setUpNamed(ORACLE), weights: FOUND });
  assert.equal(changed, withFixedWeights(scenario, FOUND));
  const written = routesOf(changed).map((route) => ({ text: stringify(route), name: 'routes.yaml' }));
  assert.equal(parseAll(written).map(fixedWeightsOf), [FOUND['shop:80']]);
  assert.equal(
    changed.services.map((service) => isSteered(changed, service)),
    [true],
  );
  assert.equal(routesOf(scenario).map(fixedWeightsOf), [{}]);
  assert.is(scenarioFor(scenario, setUpNamed(ORACLE)), scenario);
});

test('the core tells each zone its weights from the start and never anything else', () => {
  const routes = routesOf(withFixedWeights(read(FAR).scenario, FOUND));
  const decided: unknown[] = [];
  const core = createOracleCore(
    {
      epoch: 3,
      tableTtlMs: 60_000,
      routes,
      saved: [],
      decide: (decision) => {
        decided.push(decision);
        return { ...decision, id: decided.length };
      },
      warn: () => {},
    },
    { nowMs: 0, wallMs: 0 },
  );
  const told = core.tables();
  assert.equal([told.epoch, told.number, told.ttlMs], [3, 1, 60_000]);
  assert.equal(
    told.services.map(({ service, group, draw, trialId, trialShare, backends }) => [
      [service, group, draw, trialId, trialShare],
      backends.map(({ name, weight, trialWeight }) => [name, weight, trialWeight]),
    ]),
    [
      [
        ['shop:80', 'west', 'balanced', 0, 0],
        [
          ['west', 9_000, 9_000],
          ['east', 1_000, 1_000],
          ['far', 0, 0],
        ],
      ],
      [
        ['shop:80', 'east', 'balanced', 0, 0],
        [
          ['west', 0, 0],
          ['east', 10_000, 10_000],
          ['far', 0, 0],
        ],
      ],
    ],
  );
  for (let second = 1; second <= 30; second += 1) core.tick({ nowMs: second * 1000, wallMs: second * 1000 });
  core.setRoutes(routes, { nowMs: 31_000, wallMs: 31_000 });
  assert.is(core.tables(), told);
});

test('the oracle runs once however many repeats there are, and its weights are in table and report', () => {
  const asked = read(FAR);
  const oracle = { ...setUpNamed(ORACLE), weights: FOUND };
  const jobs = jobsOf([asked], () => [setUpNamed('static'), oracle], 3, 5);
  assert.equal(
    jobs.map(({ setUp, seed }) => `${setUp.name} ${seed}`),
    ['static 5', 'oracle 5', 'static 6', 'static 7'],
  );
  const score = { p99Ms: 80, errorRatio: 0, goodputRps: 1, meanMs: 1 };
  const figures: Figures = {
    ...{ requestCount: 100, goodputRps: 50, p50Ms: 10, p90Ms: 20, p99Ms: 100, errorRatio: 0 },
    ...{ crossZoneShare: 0, faultCount: 0, reliefS: null },
  };
  const trust = { foreignRatio: 0 } as RunRecord['trust'];
  const runs = jobs.map(({ setUp, seed }): RunRecord => {
    const { name } = setUp;
    return { scenario: 's', setUp: name, seed, figures, series: [], trust, doubts: [], decisions: [], lost: [] };
  });
  const report = compareRuns('s', runs, (name) => name !== ORACLE, {
    [ORACLE]: { weights: FOUND, score, evaluationCount: 1 },
  });
  assert.equal(report.policies.oracle?.weights, FOUND);
  assert.is(report.policies.oracle?.repeats, 1);
  assert.is(report.policies.static?.weights, undefined);
  assert.match(tableOf(report), /oracle \(1 run\)/);
  assert.is(
    weightLines(report),
    `oracle, the best fixed weights found, p99 80 ms as simulated:
  shop:80 from west: west 90 %, east 10 %, far 0 %
  shop:80 from east: west 0 %, east 100 %, far 0 %
`,
  );
});

test.run();
