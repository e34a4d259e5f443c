/** Shares inside bounds: property tests over seeded wishes, and the corners. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundShares } from '../../../controller/decide/bounds.ts';
import { drawsOf } from './draws.ts';

interface Bound {
  readonly name: string;
  readonly minShare: number;
  readonly maxShare: number;
}

const bound = (name: string, minShare = 0, maxShare = 1): Bound => ({ name, minShare, maxShare });
const listed = (shares: ReadonlyMap<string, number>) =>
  [...shares].map(([name, share]) => `${name} ${share.toFixed(4)}`);

test('whatever is wished, shares sum to 1 and keep to bounds that can be met', () => {
  const { uniform } = drawsOf(1);
  for (let round = 0; round < 2_000; round++) {
    const count = 1 + Math.floor(8 * uniform());
    const backends = Array.from({ length: count }, (_, i) => {
      const minShare = uniform() < 0.5 ? 0 : uniform() / count;
      const maxShare = uniform() < 0.5 ? 1 : Math.max(minShare, 1 / count + (1 - 1 / count) * uniform());
      return bound(`b${i}`, minShare, maxShare);
    });
    const wish = () => (uniform() < 0.2 ? 0 : uniform() ** (1 + 8 * uniform()));
    const wishes = backends.map(({ name }) => [name, wish()] as const);
    const total = wishes.reduce((sum, [, share]) => sum + share, 0);
    const wanted = new Map(wishes.map(([name, share]) => [name, total > 0 ? share / total : 1 / count]));
    const shares = boundShares(wanted, backends);
    const sum = [...shares.values()].reduce((all, share) => all + share, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9, `round ${round}: shares sum to ${sum}`);
    for (const { name, minShare, maxShare } of backends) {
      const share = shares.get(name) ?? Number.NaN;
      assert.ok(
        share >= minShare && share <= maxShare,
        `round ${round}: ${name} ${share} in ${minShare} to ${maxShare}`,
      );
    }
    const free = backends.filter(({ name, minShare, maxShare }) => {
      const share = shares.get(name) ?? 0;
      return share > minShare + 1e-9 && share < maxShare - 1e-9 && (wanted.get(name) ?? 0) > 1e-6;
    });
    const factors = free.map(({ name }) => (shares.get(name) ?? 0) / (wanted.get(name) ?? 1));
    for (const factor of factors) assert.ok(Math.abs(factor / (factors[0] ?? 1) - 1) < 1e-6, 'proportions stay');
  }
});

test('shares that keep to their bounds are left alone', () => {
  const shares = boundShares(
    new Map([
      ['a', 0.7],
      ['b', 0.3],
    ]),
    [bound('a', 0.02), bound('b', 0.02)],
  );
  assert.equal(listed(shares), ['a 0.7000', 'b 0.3000']);
});

test('what one may not have the others share in proportion', () => {
  const wanted = new Map([
    ['a', 0.8],
    ['b', 0.15],
    ['c', 0.05],
  ]);
  const shares = boundShares(wanted, [bound('a', 0, 0.6), bound('b'), bound('c')]);
  assert.equal(listed(shares), ['a 0.6000', 'b 0.3000', 'c 0.1000']);
});

test('one that nobody wished takes what the full ones cannot', () => {
  const shares = boundShares(new Map([['a', 1]]), [bound('a', 0, 0.5), bound('b'), bound('c')]);
  assert.equal(listed(shares), ['a 0.5000', 'b 0.2500', 'c 0.2500']);
});

test('bounds that leave no choice are met in spite of binary dust', () => {
  const least = [bound('a', 0.7), bound('b', 0.2), bound('c', 0.1)];
  const most = [bound('a', 0, 0.7), bound('b', 0, 0.2), bound('c', 0, 0.1)];
  const over = [bound('a', 0.1), bound('b', 0.7), bound('c', 0.2000000000000001)];
  assert.ok(0.7 + 0.2 + 0.1 < 1, 'this sum is what the test is about');
  for (const [backends, expected] of [
    [least, '0.7 0.2 0.1'],
    [most, '0.7 0.2 0.1'],
    [over, '0.1 0.7 0.2'],
  ] as const) {
    const shares = boundShares(new Map(backends.map(({ name }) => [name, 1 / 3])), backends);
    assert.is([...shares.values()].map((share) => share.toFixed(1)).join(' '), expected);
  }
});

test('bounds that cannot be met change nothing', () => {
  const wanted = new Map([
    ['a', 0.9],
    ['b', 0.1],
  ]);
  assert.is(boundShares(wanted, [bound('a', 0.6), bound('b', 0.6)]), wanted);
  assert.is(boundShares(wanted, [bound('a', 0, 0.4), bound('b', 0, 0.4)]), wanted);
});

test('one backend gets everything, none gets nothing', () => {
  assert.equal(listed(boundShares(new Map([['a', 0.2]]), [bound('a', 0.02)])), ['a 1.0000']);
  assert.is(boundShares(new Map(), []).size, 0);
});

test('a wish that is no number counts as none', () => {
  const wanted = new Map([
    ['a', Number.NaN],
    ['b', 1],
    ['c', Number.POSITIVE_INFINITY],
  ]);
  assert.equal(listed(boundShares(wanted, [bound('a', 0.1), bound('b'), bound('c')])), [
    'a 0.1000',
    'b 0.9000',
    'c 0.0000',
  ]);
});

test.run();
