/** The guard rails one by one: how far a proposal may go, when weights stay, and how much must have been measured. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whyTooFew } from '../../../controller/guard/evidence.ts';
import { whyFrozen } from '../../../controller/guard/freezes.ts';
import { whyNotImprove } from '../../../controller/guard/guard.ts';
import { limit } from '../../../controller/guard/limits.ts';
import { type Group, newGroup, newService } from '../../../controller/steer/service.ts';
import { seeded } from '../../support/random.ts';
import { routeOf } from '../../support/simulated-mesh.ts';

/** A group whose backends have these weights and had these calls lately. */
function groupWith(calls: Record<string, readonly [weight: number, count: number]>): Group {
  const route = routeOf(Object.keys(calls));
  const weights = Object.fromEntries(Object.entries(calls).map(([name, [weight]]) => [name, weight]));
  const group = newGroup('*', weights, route, { nowMs: 0, wallMs: 0 });
  for (const [name, [, count]] of Object.entries(calls))
    Object.assign(group.lanes.get(name)?.recent ?? {}, { calls: count });
  return group;
}

const quarterSteps = (backends: string[]) => routeOf(backends, '  guard: { maxStep: 0.25 }');

test('a proposal within bounds and step passes as it is', () => {
  const limited = limit({ v1: 5_000, v2: 5_000 }, { v1: 6_000, v2: 4_000 }, routeOf(['v1', 'v2']));
  assert.equal(limited, { weights: { v1: 6_000, v2: 4_000 }, part: 1 });
});

test('a larger step goes part of the way, and says so', () => {
  const limited = limit({ v1: 5_000, v2: 5_000 }, { v1: 10_000, v2: 0 }, quarterSteps(['v1', 'v2']));
  assert.equal(limited.weights, { v1: 7_500, v2: 2_500 });
  assert.is(limited.note, 'held by the bounds of the route, held to a step of 25 %');
});

test('whatever is proposed, what comes out is whole, within a step, and in bounds where it began in bounds', () => {
  const random = seeded(3);
  const route = quarterSteps(['v1', 'v2', 'v3']);
  for (let round = 0; round < 500; round++) {
    const draw = () => {
      const [a, b] = [random(), random()].sort((x, y) => x - y) as [number, number];
      const first = Math.round(200 + a * 9_400);
      const second = Math.round((b - a) * 9_400) + 200;
      return { v1: first, v2: second, v3: 10_000 - first - second };
    };
    const from = draw();
    const { weights } = limit(from, draw(), route);
    assert.is(
      Object.values(weights).reduce((sum, weight) => sum + weight, 0),
      10_000,
    );
    for (const [name, weight] of Object.entries(weights)) {
      assert.ok(Math.abs(weight - (from[name as 'v1'] ?? 0)) <= 2_501, JSON.stringify({ from, weights }));
      assert.ok(weight >= 20, JSON.stringify({ from, weights }));
    }
  }
});

test('a freeze by a person goes before a window of the route, and a window holds until its end', () => {
  const route = routeOf(
    ['v1', 'v2'],
    "  guard: { freezes: [{ from: '2026-11-27T00:00:00Z', to: '2026-11-28T00:00:00Z', reason: sale }] }",
  );
  const hold = { by: 'anna', why: 'audit', sinceWallMs: 0 };
  const at = (text: string) => Date.parse(text);
  assert.is(whyFrozen(route, undefined, at('2026-11-26T23:59:59Z')), undefined);
  assert.is(whyFrozen(route, undefined, at('2026-11-27T00:00:00Z'))?.why, 'sale');
  assert.is(whyFrozen(route, hold, at('2026-11-27T12:00:00Z')), hold);
  assert.is(whyFrozen(route, undefined, at('2026-11-28T00:00:00Z')), undefined);
});

test('evidence is asked for in proportion to the share of a backend', () => {
  const route = routeOf(['v1', 'v2']);
  const why = (calls: Parameters<typeof groupWith>[0]) => whyTooFew(route, groupWith(calls), 50);
  assert.is(why({ v1: [5_000, 60], v2: [5_000, 60] }), undefined);
  assert.is(why({ v1: [5_000, 60], v2: [5_000, 40] }), 'v2 had 40 calls lately, 50 are needed');
  assert.is(why({ v1: [9_800, 600], v2: [200, 3] }), undefined);
});

test('the first guard rail that refuses names itself', () => {
  const at = { nowMs: 0, wallMs: 0 };
  const service = newService(routeOf(['v1', 'v2']), at);
  const group = service.groups.get('*');
  assert.ok(group);
  assert.is(whyNotImprove(service, group, 0), 'cooling down for 10 s');
  assert.is(whyNotImprove(service, group, 20_000), 'v1 had 0 calls lately, 50 are needed');
  const lane = group.lanes.get('v2');
  assert.ok(lane);
  lane.suspectSinceMs = 1;
  assert.is(whyNotImprove(service, group, 20_000), 'v2 looks worse than its past');
  lane.relief = { fault: 'errors', sinceMs: 0, share: 0.02, stepAtMs: 0, isDescending: false, badRatio: 1 };
  assert.is(whyNotImprove(service, group, 20_000), 'v2 is relieved');
  group.pinned = { by: 'anna', why: 'x', sinceWallMs: 0 };
  assert.is(whyNotImprove(service, group, 20_000), 'pinned by anna');
  const observed = newService(routeOf(['v1', 'v2'], '  mode: observe'), at);
  const everybody = observed.groups.get('*');
  assert.ok(everybody);
  assert.is(whyNotImprove(observed, everybody, 20_000), 'the route says observe');
  const single = newService(routeOf(['v1']), at);
  const only = single.groups.get('*');
  assert.ok(only);
  assert.is(whyNotImprove(single, only, 20_000), 'there is one backend');
});

test.run();
