/** Views: of each service the weights of the asker's zone, of the services those that its workload calls. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Called } from '../../../agent/tables/called.ts';
import { type Viewer, Views, workloadKey } from '../../../agent/tables/views.ts';
import { decodeTable, NO_VIEW, tableMessage } from '../../../agent/wire/table.ts';
import { serviceOf, tablesOf } from '../sketch.ts';

const viewer = (more: Partial<Viewer> = {}): Viewer => ({
  workload: 'web',
  namespace: 'shop',
  zone: 'zone-a',
  ...more,
});
const backends = (weight: number) => [
  { name: 'a', cluster: 'shop-a', weight, trialWeight: weight },
  { name: 'b', cluster: 'shop-b', weight: 10_000 - weight, trialWeight: 10_000 - weight },
];

/** First backend's weight by service, as a filter would read it. */
function weights(views: Views, who: Viewer): number[] {
  return decodeTable(tableMessage(views.viewFor(who), 1)).services.map((service) => service.backends[0]?.weight ?? -1);
}

test('before any tables there is no view', () => {
  assert.equal(new Views(new Called()).viewFor(viewer()), NO_VIEW);
});

test('a proxy gets the weights of its zone, where there are none those for everybody, else nothing', () => {
  const views = new Views(new Called());
  views.replace(
    tablesOf(1, [
      serviceOf('shop', { group: 'zone-a', backends: backends(9_000) }),
      serviceOf('shop', { group: '*', backends: backends(1_000) }),
      serviceOf('bank', { group: 'zone-b' }),
    ]),
  );
  assert.equal(weights(views, viewer({ zone: 'zone-a' })), [9_000]);
  assert.equal(weights(views, viewer({ zone: 'zone-b' })), [1_000, 5_000]);
  assert.equal(weights(views, viewer({ zone: '' })), [1_000]);
});

test('who is not known gets every service, who is known those it calls, by backend or by entry', () => {
  const called = new Called();
  const views = new Views(called);
  views.replace(tablesOf(1, [serviceOf('shop'), serviceOf('bank'), serviceOf('mail')]));
  assert.is(weights(views, viewer()).length, 3);
  called.learn(workloadKey(viewer()), ['shop-b', 'elsewhere'], views.servicesOf);
  assert.is(weights(views, viewer()).length, 1);
  called.learn(workloadKey(viewer()), ['mail'], views.servicesOf);
  assert.is(weights(views, viewer()).length, 2);
  assert.is(weights(views, viewer({ workload: 'other' })).length, 3);
  assert.is(weights(views, viewer({ workload: '' })).length, 3);
});

test('proxies that see the same share one view, and its id is the same in another process', () => {
  const make = () => {
    const views = new Views(new Called());
    views.replace(tablesOf(1, [serviceOf('shop')]));
    return views;
  };
  const views = make();
  assert.is(views.viewFor(viewer()), views.viewFor(viewer({ workload: 'admin' })));
  assert.is(make().viewFor(viewer()).viewId, views.viewFor(viewer()).viewId);
});

test('a service once called stays called when a later table gives it other clusters', () => {
  const called = new Called();
  const views = new Views(called);
  views.replace(tablesOf(1, [serviceOf('shop'), serviceOf('bank')]));
  called.learn(workloadKey(viewer()), ['shop-a'], views.servicesOf);
  const moved = backends(5_000).map((backend) => ({ ...backend, cluster: `${backend.cluster}-new` }));
  views.replace(tablesOf(2, [serviceOf('shop', { backends: moved, entryClusters: [] }), serviceOf('bank')]));
  assert.is(weights(views, viewer()).length, 1);
});

test('a service that no filter could read is left out and named, the rest count', () => {
  const views = new Views(new Called());
  const faults = views.replace(
    tablesOf(1, [serviceOf('shop', { backends: backends(9_000).slice(1) }), serviceOf('bank')]),
  );
  assert.equal(faults, [{ service: 'shop', group: '*', fault: 'its weights sum to 1000, not 10000' }]);
  assert.is(weights(views, viewer()).length, 1);
});

test('what does not fit into a message is left out and counted', () => {
  const views = new Views(new Called(), 100);
  views.replace(tablesOf(1, [serviceOf('shop'), serviceOf('bank'), serviceOf('mail')]));
  assert.is(views.viewFor(viewer()).serviceCount, 1);
  assert.is(views.leftOutCount, 2);
});

test.run();
