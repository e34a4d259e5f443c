/** A controller with an empty store goes on with what the one before has left on the status of the routes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { acceptAll, type RouteObject } from '../../../controller/intake/accept.ts';
import { rememberedOf } from '../../../controller/intake/remembered.ts';
import { type RouteStatus, statusOf } from '../../../controller/intake/status.ts';
import { type AdaptiveRoute, serviceOf } from '../../../controller/routes/route.ts';
import { type Remembered, savedServices, takeUp } from '../../../controller/steer/memory.ts';
import { routeOf, SERVICE, SimulatedMesh } from '../../support/simulated-mesh.ts';

const test = suite('remembered');
const two = routeOf(['v1', 'v2']);
const three = routeOf(['v1', 'v2', 'v3']);

function objectOf(route: AdaptiveRoute, status?: unknown): RouteObject {
  const metadata = { uid: 'one', generation: 1, creationTimestamp: '2026-11-25T10:00:00Z' };
  const { name, namespace = 'default' } = route.metadata;
  return {
    apiVersion: route.apiVersion,
    kind: route.kind,
    metadata: { ...metadata, name, namespace },
    spec: route.spec,
    status,
  };
}

function judged(route: AdaptiveRoute, status?: unknown) {
  const [acceptance] = acceptAll([objectOf(route, status)], new Map(), () => ({ message: 'nobody was to ask' }));
  if (!acceptance?.route) throw new Error(`the route of the test is refused: ${acceptance?.message}`);
  return acceptance;
}

/** What the mesh's controller would have written, as the API server gives it back. */
function statusIn(mesh: SimulatedMesh, route: AdaptiveRoute): RouteStatus {
  const at = mesh.at();
  const status = statusOf(judged(route), {
    services: mesh.controller.services(at),
    saved: savedServices(mesh.controller.states(at)),
    table: `4.${mesh.controller.tables().number}`,
    ...{ agentCount: 1, published: () => undefined, decisions: () => [], wallMs: at.wallMs },
  });
  return JSON.parse(JSON.stringify(status));
}

/** The controller dies, and another with an empty store begins. */
function takeOver(mesh: SimulatedMesh, route: AdaptiveRoute, routeNow = route): Remembered {
  const remembered = rememberedOf(judged(routeNow, statusIn(mesh, route)));
  if (!remembered) throw new Error('nothing is remembered');
  mesh.restart([routeNow], takeUp([], [remembered], 0).states);
  return remembered;
}

test('weights by caller group, a pin and a freeze are taken up, with who and why', () => {
  const mesh = new SimulatedMesh(two, { 'zone-a': 20, 'zone-b': 20 });
  mesh.run(5);
  mesh.controller.pin(SERVICE, 'zone-a', { v1: 8_000, v2: 2_000 }, 'anna', 'a sale', mesh.at());
  mesh.controller.freeze(SERVICE, 'ben', 'an audit', mesh.at());
  const before = mesh.controller.services(mesh.at());
  const { epoch, service } = takeOver(mesh, two);
  assert.equal([epoch, service], [4, SERVICE]);
  assert.equal(mesh.weights('zone-a'), { v1: 8_000, v2: 2_000 });
  assert.equal(mesh.weights('zone-b'), { v1: 5_000, v2: 5_000 });
  const held = (services: typeof before) => services.map(({ group, frozen, pinned }) => [group, frozen, pinned]);
  assert.equal(held(mesh.controller.services(mesh.at())), held(before));
  mesh.controller.unfreeze(SERVICE, 'ben', mesh.at());
  mesh.controller.unpin(SERVICE, 'zone-a', 'anna', mesh.at());
  assert.equal(mesh.weights('zone-a'), { v1: 8_000, v2: 2_000 });
});

test("a window of the route's own is no person's freeze", () => {
  const window = '  guard: { freezes: [{ from: 2025-01-01T00:00:00Z, to: 2027-01-01T00:00:00Z, reason: sale }] }';
  const frozen = routeOf(['v1', 'v2'], window);
  const mesh = new SimulatedMesh(frozen, { '': 20 });
  assert.is(mesh.controller.services(mesh.at())[0]?.frozen?.by, 'route');
  assert.is(statusIn(mesh, frozen).frozen, undefined);
  takeOver(mesh, frozen, two);
  assert.is(mesh.controller.services(mesh.at())[0]?.frozen, null);
});

test('a trial is not taken up: the stable weights are, its end is said, and its number is not given again', () => {
  const mesh = new SimulatedMesh(two, { '': 60 });
  Object.assign(mesh.backends.v2 ?? {}, { meanMs: 40 });
  mesh.runToTrial();
  const trialId = mesh.table()?.trialId ?? 0;
  takeOver(mesh, two);
  assert.is(mesh.table()?.trialId, 0);
  assert.equal(mesh.weights(), { v1: 5_000, v2: 5_000 });
  assert.is(mesh.decisions.at(-1)?.verdict, 'aborted');
  mesh.runToTrial();
  assert.is(mesh.table()?.trialId, trialId + 1);
});

for (const [fault, ill, well] of [
  ['errors', { errorRatio: 0.9 }, { errorRatio: 0 }],
  ['slowness', { meanMs: 90 }, { meanMs: 10 }],
] as const) {
  test(`a backend relieved for ${fault} stays so while the fault lasts, and has its whole share again once it is over`, () => {
    const mesh = new SimulatedMesh(three, { 'zone-a': 60 });
    mesh.run(60);
    Object.assign(mesh.backends.v2 ?? {}, ill);
    mesh.run(20);
    const before = mesh.weights('zone-a');
    assert.ok(mesh.share('v2', 'zone-a') < 0.05, JSON.stringify(before));
    takeOver(mesh, three);
    assert.equal(mesh.weights('zone-a'), before);
    let most = 0;
    mesh.run(60, () => {
      most = Math.max(most, mesh.share('v2', 'zone-a'));
    });
    assert.ok(most < 0.2, `while it fails it had ${most}`);
    Object.assign(mesh.backends.v2 ?? {}, well);
    mesh.run(120);
    assert.ok(mesh.share('v2', 'zone-a') > 0.25, `well, it has ${mesh.share('v2', 'zone-a')}`);
    assert.equal(
      mesh.controller.services(mesh.at()).flatMap(({ relieved }) => relieved),
      [],
    );
  });
}

test('a route that changed while nobody led is gone on with as far as its backends are the same', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  mesh.controller.pin(SERVICE, '*', { v1: 8_000, v2: 2_000 }, 'anna', 'a test', mesh.at());
  takeOver(mesh, two, three);
  assert.equal(mesh.weights(), { v1: 7_840, v2: 1_960, v3: 200 });
});

test('what is new, or was never told anything, remembers nothing; what is not right is refused with a reason', () => {
  assert.is(rememberedOf(judged(two)), undefined);
  assert.is(rememberedOf(judged(two, { observedGeneration: 1, conditions: [] })), undefined);
  const groups = [{ name: '*', weights: { v1: 5_000, v2: 5_000 } }];
  assert.is(rememberedOf(judged(two, { table: '7.3', groups }))?.epoch, 7);
  assert.throws(() => rememberedOf(judged(two, { table: '7', groups })), /its table is 7, which is no epoch\.number/);
  assert.throws(() => rememberedOf(judged(two, { table: '4294967295.1', groups })), /no epoch\.number/);
  const half = [{ name: 'zone-a', weights: { v1: 5_000, v2: 500 } }];
  assert.throws(() => rememberedOf(judged(two, { table: '7.3', groups: half })), /weights of zone-a sum to 5500/);
  assert.throws(() => rememberedOf(judged(two, { table: '7.3', groups: 'none' })), /not as Weir writes it/);
});

test('a store is believed but where a controller of a higher epoch has steered since', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  const own = mesh.controller.states(mesh.at());
  const [first] = savedServices(own)(SERVICE)?.groups ?? [];
  if (!first) throw new Error('nothing is saved');
  const weights = { v1: 9_000, v2: 1_000 };
  const state = { frozen: null, groups: [{ ...first, weights }] };
  const groupIn = ({ states }: ReturnType<typeof takeUp>) => savedServices(states)(serviceOf(two))?.groups[0]?.weights;
  const same = takeUp(own, [{ service: SERVICE, epoch: 3, state }], 3);
  assert.equal([groupIn(same), same.fromRoutes, same.said], [first.weights, 0, 'state taken up from the store']);
  const later = takeUp(own, [{ service: SERVICE, epoch: 4, state }], 3);
  assert.equal([groupIn(later), later.fromRoutes], [weights, 1]);
  assert.is(later.said, 'state taken up from the store and of 1 services from the status of their routes');
  assert.equal(takeUp([], [], 0), { states: [], fromRoutes: 0, said: 'no saved state' });
});

test.run();
