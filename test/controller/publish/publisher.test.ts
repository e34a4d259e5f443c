/** When manifests are written, followed, repaired and taken away; the place is a list. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Weights } from '../../../controller/decide/policy.ts';
import type { Manifest } from '../../../controller/generate/manifests.ts';
import { makeLog } from '../../../controller/log.ts';
import { InTheWay, keyOf, type Orphan, type Place } from '../../../controller/publish/place.ts';
import type { Plan } from '../../../controller/publish/plan.ts';
import { Publisher } from '../../../controller/publish/publisher.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { oneRoute } from '../routes/one-route.ts';

function routeOf(name: string, timeout = 500): AdaptiveRoute {
  return oneRoute(`apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: ${name}, namespace: shop }
spec: { host: ${name}, port: 80, objective: { latencyMs: ${timeout} }, backends: [{ name: v1 }, { name: v2 }] }
`);
}

class List implements Place {
  readonly name = 'the list';
  readonly put_: string[] = [];
  orphaned: Orphan[] = [];
  trouble: Error | undefined;
  isWhole = true;

  async put({ route }: Plan, manifests: readonly Manifest[]): Promise<boolean> {
    if (this.trouble) throw this.trouble;
    const [, service] = manifests as unknown as { spec: { http: { name: string; route: { weight?: number }[] }[] } }[];
    const plain = service?.spec.http.find(({ name }) => name === 'weir-plain')?.route.map(({ weight }) => weight);
    this.put_.push(`${route.metadata.name} ${plain?.join('/')}`);
    return this.isWhole;
  }

  async orphans(): Promise<readonly Orphan[]> {
    return this.orphaned;
  }

  orphan(name: string, isNamedByOthers: boolean): void {
    const remove = async () => {
      this.orphaned = this.orphaned.filter((orphan) => orphan.name !== name);
    };
    this.orphaned.push({ name, isNamedByOthers, remove });
  }
}

class Rig {
  readonly place = new List();
  readonly lines: string[] = [];
  readonly counted: string[] = [];
  readonly publisher = new Publisher({
    place: this.place,
    log: makeLog('info', { write: (line) => void this.lines.push((JSON.parse(line) as { msg: string }).msg) }),
    count: (result) => void this.counted.push(result),
    explain: (error) => (error as Error).message,
  });
  nowMs = 0;

  /** A window so many seconds later. @returns what was written in it */
  async after(seconds: number, ...plans: readonly (readonly [AdaptiveRoute, Weights])[]): Promise<string[]> {
    this.nowMs += seconds * 1_000;
    const before = this.place.put_.length;
    this.publisher.tell(() => plans.map(([route, weights]) => ({ route, weights })), this.nowMs);
    // The list answers at once, so a round is over after a few turns of the loop.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return this.place.put_.slice(before);
  }
}

const search = routeOf('search');
const even = { v1: 5_000, v2: 5_000 };

test('what could not be written whole, for what proxies still name, is written again', async () => {
  const rig = new Rig();
  rig.place.isWhole = false;
  assert.equal(await rig.after(0, [search, even]), ['search 5000/5000']);
  assert.is(rig.publisher.stateOf(keyOf(search))?.reason, 'Published');
  assert.equal(await rig.after(5, [search, even]), []);
  rig.place.isWhole = true;
  assert.equal(await rig.after(10, [search, even]), ['search 5000/5000']);
  assert.equal(await rig.after(15, [search, even]), []);
});

test('a new route is written at once, and again only for a reason', async () => {
  const rig = new Rig();
  assert.equal(await rig.after(0, [search, even]), ['search 5000/5000']);
  assert.equal(await rig.after(100, [search, even]), []);
  assert.equal(await rig.after(5, [search, { v1: 5_400, v2: 4_600 }]), [], 'four points are not worth a push');
  assert.equal(await rig.after(5, [search, { v1: 9_800, v2: 200 }]), ['search 9800/200']);
  assert.equal(await rig.after(30, [search, even]), [], 'half a minute after the last');
  assert.equal(await rig.after(30, [search, even]), ['search 5000/5000']);
  assert.equal(await rig.after(600, [search, even]), ['search 5000/5000'], 'should somebody have taken it away');
  assert.equal(await rig.after(5, [routeOf('search', 200), even]), ['search 5000/5000'], 'the route has changed');
  assert.is(rig.publisher.stateOf(keyOf(search))?.reason, 'Published');
  assert.match(rig.lines[0] ?? '', /^shop\/search: DestinationRule weir-search and VirtualService weir-search are in/);
});

test('a change of routes is looked at in the next window, all else every five seconds', async () => {
  const rig = new Rig();
  await rig.after(0, [search, even]);
  assert.equal(await rig.after(1, [search, even], [routeOf('cart'), even]), []);
  rig.publisher.hurry();
  assert.equal(await rig.after(1, [search, even], [routeOf('cart'), even]), ['cart 5000/5000']);
});

test('what is in the way of one is said once, costs the others nothing, and is tried again', async () => {
  const rig = new Rig();
  rig.place.trouble = new InTheWay('Conflict', 'argo has set .spec.http');
  await rig.after(0, [search, even]);
  assert.equal(rig.publisher.stateOf('shop/search'), {
    ...{ isThere: false, reason: 'Conflict', message: 'argo has set .spec.http' },
  });
  await rig.after(15, [search, even]);
  assert.equal(rig.counted, ['refused', 'refused']);
  assert.equal(rig.lines, ['shop/search: argo has set .spec.http']);
  rig.place.trouble = undefined;
  assert.equal(await rig.after(10, [search, even]), [], 'not before 15 s are over');
  assert.equal(await rig.after(5, [search, even]), ['search 5000/5000']);
});

test('trouble that may pass keeps what is there and is named on the route', async () => {
  const rig = new Rig();
  rig.place.trouble = new Error('the API server cannot be reached');
  await rig.after(0, [search, even]);
  assert.is(rig.publisher.stateOf('shop/search')?.message, 'the API server cannot be reached; it is tried again');
  assert.equal(rig.counted, ['failed']);
});

test('what no route asks for goes: routes first, what they name ten seconds after', async () => {
  const rig = new Rig();
  await rig.after(0, [search, even]);
  rig.place.orphan('VirtualService shop/weir-search', false);
  rig.place.orphan('DestinationRule shop/weir-search', true);
  const left = () => rig.place.orphaned.map(({ name }) => name);
  await rig.after(5, [search, even]);
  assert.is(left().length, 2, 'nothing has gone, so nothing is looked for');
  await rig.after(5);
  assert.equal(left(), ['DestinationRule shop/weir-search']);
  await rig.after(5);
  assert.is(left().length, 1);
  await rig.after(5);
  assert.equal(left(), []);
  assert.equal(rig.counted, ['written', 'removed', 'removed']);
});

test('what an earlier life left is looked for at the start', async () => {
  const rig = new Rig();
  rig.place.orphan('VirtualService shop/weir-old', false);
  await rig.after(0, [search, even]);
  assert.equal(rig.place.orphaned, []);
});

test('a route with fewer than two subsets of Istio has nothing to write', async () => {
  const rig = new Rig();
  const bare = oneRoute(
    `{ apiVersion: weir.dev/v1alpha1, kind: AdaptiveRoute, metadata: { name: bare }, spec: { host: bare, port: 80, backends: [{ name: v1, cluster: a }] } }`,
  );
  assert.equal(await rig.after(0, [bare, { v1: 10_000 }]), []);
  assert.is(rig.publisher.stateOf('default/bare')?.reason, 'NothingToWrite');
});

test.run();
