/** What workloads call: learnt, never lost, bounded, kept across a restart. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadState } from '../../../agent/errors.ts';
import { Called } from '../../../agent/tables/called.ts';

const servicesOf = (cluster: string) =>
  cluster.startsWith('shop') ? ['shop'] : cluster.startsWith('bank') ? ['bank'] : [];

test('who was never heard of is wide, who was is told what it calls', () => {
  const called = new Called();
  assert.is(called.servicesOf('shop/web'), undefined);
  assert.is(called.learn('shop/web', ['shop-a'], servicesOf), 'view');
  assert.equal([...(called.servicesOf('shop/web') ?? [])], ['shop']);
});

test('only another service is news for a view; another cluster is worth keeping; the same is nothing', () => {
  const called = new Called();
  called.learn('shop/web', ['shop-a'], servicesOf);
  assert.is(called.learn('shop/web', ['shop-a'], servicesOf), 'nothing');
  assert.is(called.learn('shop/web', ['shop-b'], servicesOf), 'new');
  assert.is(called.learn('shop/web', ['bank-a', 'other'], servicesOf), 'view');
  assert.is(called.learn('shop/web', [], servicesOf), 'nothing');
  assert.is(called.learn('', ['shop-a'], servicesOf), 'nothing');
});

test('clusters that no table named become services when one does', () => {
  const called = new Called();
  called.learn('shop/web', ['shop-a'], () => []);
  assert.is(called.servicesOf('shop/web')?.size, 0);
  assert.is(called.relearn(servicesOf), true);
  assert.is(called.relearn(servicesOf), false);
  assert.is(called.servicesOf('shop/web')?.size, 1);
});

test('who calls more than is worth remembering is wide', () => {
  const called = new Called({ maxWorkloads: 10, maxClustersPerWorkload: 2 });
  called.learn('shop/web', ['shop-a', 'shop-b'], servicesOf);
  assert.is(called.learn('shop/web', ['bank-a'], servicesOf), 'view');
  assert.is(called.servicesOf('shop/web'), undefined);
  assert.is(called.learn('shop/web', ['bank-b'], servicesOf), 'nothing');
});

test('past the most workloads the least recent is forgotten', () => {
  const called = new Called({ maxWorkloads: 2, maxClustersPerWorkload: 10 });
  for (const key of ['a/a', 'b/b', 'a/a', 'c/c']) called.learn(key, ['shop-a'], servicesOf);
  assert.is(called.size, 2);
  assert.is(called.servicesOf('b/b'), undefined);
  assert.is(called.servicesOf('a/a')?.size, 1);
});

test('what was saved is loaded as it was', () => {
  const called = new Called({ maxWorkloads: 10, maxClustersPerWorkload: 2 });
  called.learn('shop/web', ['shop-a'], servicesOf);
  called.learn('shop/all', ['a', 'b', 'c'], servicesOf);
  const loaded = new Called();
  loaded.load(called.save());
  assert.equal([...(loaded.servicesOf('shop/web') ?? [])], ['shop']);
  assert.is(loaded.servicesOf('shop/all'), undefined);
  assert.is(loaded.learn('shop/web', ['shop-a'], servicesOf), 'nothing');
});

for (const text of ['', '{', '[]', 'null', '{"workloads":3}', '{"workloads":[null]}', '{"workloads":[{"key":"a"}]}']) {
  test(`a file that holds ${JSON.stringify(text)} is refused and harms nothing`, () => {
    const called = new Called();
    let error: unknown;
    try {
      called.load(Buffer.from(text));
    } catch (caught) {
      error = caught;
    }
    assert.ok(error instanceof BadState || error instanceof TypeError);
    assert.is(called.size, 0);
  });
}

test.run();
