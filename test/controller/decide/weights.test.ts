/** Shares to integers and back, and what becomes of weights when backends come and go. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Weights } from '../../../controller/decide/policy.ts';
import {
  carryOver,
  initialWeights,
  isSame,
  largestMove,
  shareOf,
  toWeights,
} from '../../../controller/decide/weights.ts';
import { parseRoutes } from '../../../controller/routes/parse.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { drawsOf } from './draws.ts';

const sumOf = (weights: Weights) => Object.values(weights).reduce((sum, weight) => sum + weight, 0);

function routeOf(backends: readonly string[], guard = ''): AdaptiveRoute {
  const lines = backends.map((text) => `    - { name: ${text.split(',')[0]}, cluster: c-${text} }`).join('\n');
  const text = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search }
spec:
  host: search
  port: 80
  backends:
${lines}
${guard}`;
  const [route] = parseRoutes(text, 'search.yaml');
  if (!route) throw new Error('no route');
  return route;
}

test('weights are integers that sum to 10,000, each within one of its due', () => {
  const { uniform } = drawsOf(1);
  for (let round = 0; round < 2_000; round++) {
    const count = 1 + Math.floor(64 * uniform());
    const shares = new Map(Array.from({ length: count }, (_, i) => [`b${i}`, uniform() < 0.1 ? 0 : uniform() ** 6]));
    const total = [...shares.values()].reduce((sum, share) => sum + share, 0);
    const weights = toWeights(shares);
    assert.is(sumOf(weights), 10_000);
    for (const [name, share] of shares) {
      const weight = weights[name] ?? Number.NaN;
      assert.ok(Number.isInteger(weight) && weight >= 0);
      assert.ok(total === 0 || Math.abs(weight - (share / total) * 10_000) < 1.001, `${name} ${weight}`);
    }
  }
});

test('what is left over goes by the largest fraction, ties by name in whatever order they come', () => {
  assert.equal(
    toWeights(
      new Map([
        ['a', 1],
        ['b', 1],
        ['c', 1],
      ]),
    ),
    { a: 3_334, b: 3_333, c: 3_333 },
  );
  assert.equal(
    toWeights(
      new Map([
        ['c', 1],
        ['b', 1],
        ['a', 1],
      ]),
    ),
    { c: 3_333, b: 3_333, a: 3_334 },
  );
  assert.equal(
    toWeights(
      new Map([
        ['a', 0.33336],
        ['b', 0.66664],
      ]),
    ),
    { a: 3_334, b: 6_666 },
  );
});

test('sums need not be 1; nothing wished is wished equally; what is no number is nothing', () => {
  assert.equal(
    toWeights(
      new Map([
        ['a', 30],
        ['b', 10],
      ]),
    ),
    { a: 7_500, b: 2_500 },
  );
  assert.equal(
    toWeights(
      new Map([
        ['a', 0],
        ['b', 0],
      ]),
    ),
    { a: 5_000, b: 5_000 },
  );
  assert.equal(
    toWeights(
      new Map([
        ['a', Number.NaN],
        ['b', -3],
        ['c', 1],
      ]),
    ),
    { a: 0, b: 0, c: 10_000 },
  );
  assert.equal(toWeights(new Map()), {});
});

test('a route starts with its weights, or with equal ones', () => {
  assert.equal(initialWeights(routeOf(['v1', 'v2'])), { v1: 5_000, v2: 5_000 });
  assert.equal(initialWeights(routeOf(['v1, weight: 9900', 'v2, weight: 100'])), { v1: 9_900, v2: 100 });
});

test('a newcomer without a weight starts at its probe, and the others keep their proportion', () => {
  assert.equal(carryOver({ v1: 7_500, v2: 2_500 }, routeOf(['v1', 'v2', 'v3'])), { v1: 7_350, v2: 2_450, v3: 200 });
});

test('a newcomer with a weight starts at it', () => {
  const route = routeOf(['v1, weight: 4000', 'v2, weight: 4000', 'v3, weight: 2000']);
  assert.equal(carryOver({ v1: 7_500, v2: 2_500 }, route), { v1: 6_000, v2: 2_000, v3: 2_000 });
});

test('what a backend that went had is shared by the others in proportion', () => {
  assert.equal(carryOver({ v1: 6_000, v2: 2_000, v3: 2_000 }, routeOf(['v1', 'v2'])), { v1: 7_500, v2: 2_500 });
});

test('when nobody stays, or only those without a share, the route starts anew', () => {
  assert.equal(carryOver({ v1: 10_000 }, routeOf(['v2', 'v3'])), { v2: 5_000, v3: 5_000 });
  assert.equal(carryOver({ v1: 0, v2: 10_000 }, routeOf(['v1', 'v3'])), { v1: 5_000, v3: 5_000 });
});

test('a large probe share does not hand everything to newcomers', () => {
  const route = routeOf(['v1', 'v2', 'v3'], '  guard: { probeShare: 0.5 }\n');
  assert.equal(carryOver({ v1: 10_000 }, route), { v1: 3_334, v2: 3_333, v3: 3_333 });
});

test('carried weights always sum to 10,000 and name just the backends', () => {
  const { uniform } = drawsOf(2);
  const names = ['v1', 'v2', 'v3', 'v4', 'v5'];
  for (let round = 0; round < 200; round++) {
    const old = toWeights(new Map(names.filter(() => uniform() < 0.6).map((name) => [name, uniform()])));
    const route = routeOf(['v0', ...names.filter(() => uniform() < 0.6)]);
    const weights = carryOver(old, route);
    assert.is(sumOf(weights), 10_000);
    assert.equal(
      Object.keys(weights),
      route.spec.backends.map(({ name }) => name),
    );
  }
});

test('a backend may be called as what every object has', () => {
  assert.equal(carryOver({ v1: 10_000 }, routeOf(['v1', 'constructor'])), { v1: 9_800, constructor: 200 });
  assert.is(shareOf({ v1: 10_000 }, 'constructor'), 0);
  assert.not(isSame({ constructor: 1 } as unknown as Weights, { v1: 1 }));
});

test('weights are the same name by name, and the largest move is of one share', () => {
  assert.ok(isSame({ a: 1, b: 2 }, { b: 2, a: 1 }));
  assert.not(isSame({ a: 1 }, { a: 1, b: 0 }));
  assert.is(largestMove({ a: 5_000, b: 5_000 }, { a: 7_500, b: 2_500 }), 0.25);
  assert.is(largestMove({ a: 10_000 }, { b: 10_000 }), 1);
  assert.is(largestMove({}, {}), 0);
});

test.run();
