/** A person against the core: freeze, pin, revert; what each forbids, undoes, and answers when there is nothing to do. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { routeOf, SERVICE, SimulatedMesh } from '../../support/simulated-mesh.ts';

const two = routeOf(['v1', 'v2']);
const code = (expected: string) => (error: Error) => (error as unknown as { code: string }).code === expected;

function withTrial(): SimulatedMesh {
  const mesh = new SimulatedMesh(two, { '': 60 });
  Object.assign(mesh.backends.v2 ?? {}, { meanMs: 40 });
  mesh.runToTrial();
  return mesh;
}

test('a freeze ends the trial and keeps weights through a fault, until it is lifted', () => {
  const mesh = withTrial();
  mesh.controller.freeze(SERVICE, 'anna', 'an audit', mesh.at());
  assert.is(mesh.table()?.trialId, 0);
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0.9 });
  mesh.run(20);
  assert.equal(mesh.weights(), { v1: 5_000, v2: 5_000 });
  assert.is(mesh.controller.services(mesh.at())[0]?.frozen?.why, 'an audit');
  mesh.controller.unfreeze('*', 'anna', mesh.at());
  mesh.run(5);
  assert.ok(mesh.share('v2') < 0.05);
  assert.throws(() => mesh.controller.unfreeze(SERVICE, 'anna', mesh.at()), code('WEIR_CONTROLLER_NOTHING_TO_UNDO'));
});

test('a freeze window of the route holds from its first instant to its last', () => {
  const route = routeOf(
    ['v1', 'v2'],
    "  guard: { freezes: [{ from: '2026-01-01T00:00:40Z', to: '2026-01-01T00:01:00Z' }] }",
  );
  const mesh = new SimulatedMesh(route, { '': 60 });
  mesh.run(45);
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0.9 });
  mesh.run(14);
  assert.equal(mesh.weights(), { v1: 5_000, v2: 5_000 });
  mesh.run(4);
  assert.ok(mesh.share('v2') < 0.05);
});

test('pinned weights stay whatever fails, and end reliefs', () => {
  const mesh = new SimulatedMesh(two, { '': 60 });
  mesh.run(30);
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0.9 });
  mesh.run(5);
  assert.ok(mesh.share('v2') < 0.05);
  mesh.controller.pin(SERVICE, '*', { v1: 4_000, v2: 6_000 }, 'anna', 'I know better', mesh.at());
  mesh.run(30);
  assert.equal(mesh.weights(), { v1: 4_000, v2: 6_000 });
  mesh.controller.unpin(SERVICE, '*', 'anna', mesh.at());
  assert.equal(mesh.weights(), { v1: 4_000, v2: 6_000 });
});

test('wrong pins are refused whole, each with its reason', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  const pin = (service: string, group: string, weights: Record<string, number>) => () =>
    mesh.controller.pin(service, group, weights, 'anna', 'a test', mesh.at());
  assert.throws(
    pin('other:80', '*', { v1: 10_000 }),
    /no AdaptiveRoute names the service other:80; known services are search\.demo:8080/,
  );
  assert.throws(pin(SERVICE, 'zone-x', { v1: 10_000 }), code('WEIR_CONTROLLER_UNKNOWN_GROUP'));
  assert.throws(pin(SERVICE, '*', { v1: 9_000 }), /the weights sum to 9000; they must sum to 10000/);
  assert.throws(pin(SERVICE, '*', { v9: 10_000 }), /has no backend v9; it has v1, v2/);
  assert.equal(mesh.kinds(), []);
  const observed = new SimulatedMesh(routeOf(['v1', 'v2'], '  mode: observe'), { '': 10 });
  assert.throws(
    () => observed.controller.pin(SERVICE, '*', { v1: 10_000 }, 'anna', 'x', observed.at()),
    code('WEIR_CONTROLLER_NOT_STEERED'),
  );
});

test('revert ends a trial first, then a relief, then goes back through earlier weights', () => {
  const mesh = withTrial();
  mesh.controller.revert(SERVICE, '*', 'anna', mesh.at());
  assert.is(mesh.table()?.trialId, 0);
  assert.match(mesh.decisions.at(-1)?.why ?? '', /trial 1 is ended/);
  assert.throws(() => mesh.controller.revert(SERVICE, '*', 'anna', mesh.at()), /has no earlier weights to go back to/);
  mesh.controller.pin(SERVICE, '*', { v1: 9_000, v2: 1_000 }, 'anna', 'a test', mesh.at());
  assert.throws(() => mesh.controller.revert(SERVICE, '*', 'anna', mesh.at()), /is pinned by anna; unpin it first/);
  mesh.controller.unpin(SERVICE, '*', 'anna', mesh.at());
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0.9 });
  mesh.run(10);
  assert.ok(mesh.share('v2') < 0.05);
  mesh.controller.revert(SERVICE, '*', 'anna', mesh.at());
  assert.equal(mesh.weights(), { v1: 9_000, v2: 1_000 });
  mesh.controller.revert(SERVICE, '*', 'anna', mesh.at());
  assert.equal(mesh.weights(), { v1: 5_000, v2: 5_000 });
  assert.is(mesh.controller.services(mesh.at())[0]?.waitsFor?.startsWith('cooling down'), true);
});

test.run();
