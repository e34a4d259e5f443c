/** The pure parts of the propagation benchmark: arguments, when a decision counts as in force, what is measured, what is said. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseArguments } from './propagation/arguments.ts';
import { arrivalOf, figuresOf, type ProbeAnswer } from './propagation/arrival.ts';
import { placesOf, propagationScenario, sidecarAt } from './propagation/plan.ts';
import { jsonOf, textOf } from './propagation/report.ts';

/** Sent at these times, answered 2 ms later. */
const answers = (...each: readonly (readonly [number, string])[]): ProbeAnswer[] =>
  each.map(([sentMs, backend]) => ({ sentMs, arrivedMs: sentMs + 2, backend }));
const arrival = (inForceMs: number) => ({ inForceMs, notYetMs: inForceMs - 5, returns: 0 });
const trust = { lagP50Ms: 0, lagP99Ms: 1, lagMaxMs: 2, busyRatio: 0.5, foreignRatio: 0 };

test('200 decisions unless another number is asked for; what is wrong is named', () => {
  const { decisions, paceMs, headStartMs, json } = parseArguments([]);
  assert.equal([decisions, paceMs, headStartMs, json], [200, 0.5, 20, undefined]);
  assert.is(parseArguments(['--pace', '2.5']).paceMs, 2.5);
  assert.throws(
    () => parseArguments(['--decisions', '0']),
    /^--decisions is 0; it must be an integer from 1 to 10000$/,
  );
  assert.throws(() => parseArguments(['--pace', 'x']), /^--pace is x; it must be a number from 0\.1 to 50$/);
});

test('in force at the arrival of the first new answer, and not yet at the sending of the last old one', () => {
  const found = arrivalOf(answers([-10, 'a'], [12, 'a'], [18, 'b'], [90, 'b']), 'b', 10);
  assert.equal(found, { inForceMs: 10, notYetMs: 2, returns: 0 });
});

test('an old answer from before the decision says nothing of the time after it', () => {
  assert.is(arrivalOf(answers([-10, 'a'], [18, 'b']), 'b', 10)?.notYetMs, 0);
});

test('who goes back to the old backend was not in force, and it is counted', () => {
  const found = arrivalOf(answers([0, 'a'], [10, 'b'], [20, 'a'], [30, 'b']), 'b', 5);
  assert.equal(found, { inForceMs: 27, notYetMs: 15, returns: 1 });
  assert.is(arrivalOf(answers([0, 'a'], [10, 'b'], [20, 'a']), 'b', 5), undefined);
});

test('a decision takes as long as its slowest Envoy', () => {
  const records = [
    { answeredMs: 4, arrivals: [arrival(12), arrival(20)] },
    { answeredMs: 6, arrivals: [arrival(30), arrival(14)] },
  ];
  const figures = figuresOf(records);
  assert.equal(figures.everywhere, { p50Ms: 20, p99Ms: 30, maxMs: 30 });
  assert.equal(figures.perEnvoy, { p50Ms: 14, p99Ms: 30, maxMs: 30 });
  assert.equal(figures.resolution, { p50Ms: 5, p99Ms: 5, maxMs: 5 });
  assert.match(textOf(figures), /2 decisions, 2 Envoys on 4 agents/);
  assert.match(textOf(figures), /p99 in every Envoy is within 50 ms/);
  const { p50Ms, p99Ms } = jsonOf(figures, trust, { paceMs: 0.5, headStartMs: 10 });
  assert.equal([p50Ms, p99Ms], [20, 30]);
  assert.throws(() => figuresOf([]), /no decision was measured/);
});

test('20 Envoys on 4 nodes, each a workload of its node that may choose between two backends', () => {
  const scenario = propagationScenario();
  const places = placesOf(scenario);
  assert.is(places.length, 20);
  assert.is(new Set(places.map(({ name }) => name)).size, 20);
  assert.is(new Set(places.map(({ node }) => node)).size, 4);
  const [place] = places;
  if (!place) throw new Error('there is no Envoy');
  const { services } = sidecarAt(place, scenario, { a: 1, b: 2 }, { wasmPath: 'weir.wasm', agentPort: 3 });
  assert.equal(
    services[0]?.backends.map(({ name, endpointPorts }) => [name, ...endpointPorts]),
    [
      ['a', 1],
      ['b', 2],
    ],
  );
  assert.ok(services[0]?.isSteered);
});

test.run();
