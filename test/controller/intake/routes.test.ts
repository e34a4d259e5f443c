/** When a route's status is written; that it is written right is for a real API server to say, in test/istio. */
import type { KubernetesObject } from '@kubernetes/client-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KubernetesRoutes } from '../../../controller/intake/routes.ts';
import type { RouteStatus } from '../../../controller/intake/status.ts';
import { makeLog } from '../../../controller/log.ts';
import type { RouteNews } from '../../../controller/routes/source.ts';
import { savedServices } from '../../../controller/steer/memory.ts';
import { routeOf, SERVICE, SimulatedMesh } from '../../support/simulated-mesh.ts';

const test = suite('status of routes');
const route = routeOf(['v1', 'v2']);

function rig() {
  const mesh = new SimulatedMesh(route, { '': 20 });
  const written: RouteStatus[] = [];
  const warnings: string[] = [];
  const { apiVersion, kind, spec, metadata } = route;
  const object = { apiVersion, kind, spec, metadata: { ...metadata, uid: 'one', generation: 1 }, status: undefined };
  const routes = new KubernetesRoutes({
    followed: { list: () => [object as unknown as KubernetesObject], close: () => {}, onChange: () => {} },
    discovery: {
      backendsOf: () => ({ message: 'nobody was to ask' }),
      lookBehind: async () => {},
      close: () => {},
      onChange: () => {},
    },
    objects: {
      patchNamespacedCustomObjectStatus: async ({ body }) => {
        const { status } = body as { status: RouteStatus };
        written.push(status);
        // As the watch would bring it back.
        Object.assign(object, { status });
      },
    },
    log: makeLog('info', { write: (line) => void warnings.push(line) }),
    onChange: () => {},
    onRefused: () => {},
  });
  const news = (): RouteNews => ({
    services: mesh.controller.services(mesh.at()),
    saved: savedServices(mesh.controller.states(mesh.at())),
    table: `1.${mesh.controller.tables().number}`,
    ...{ agentCount: 1, published: () => undefined, decisions: () => [], wallMs: mesh.clock.wallMs() },
  });
  const tell = async () => {
    routes.tell(news);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const second = async (seconds: number) => {
    mesh.run(seconds);
    await tell();
  };
  assert.is(routes.start().length, 1);
  return { mesh, object, routes, written, warnings, news, tell, second };
}

const pinTo = (mesh: SimulatedMesh, v1: number, by: string) =>
  mesh.controller.pin(SERVICE, '*', { v1, v2: 10_000 - v1 }, by, 'a test', mesh.at());

test('weights that move wait for their turn, what a person holds does not, and nothing new is not written', async () => {
  const { mesh, written, tell, second } = rig();
  await second(60);
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0.9 });
  for (let i = 0; i < 4; i++) await second(1);
  assert.ok(mesh.share('v2') < 0.2, `v2 has ${mesh.share('v2')}`);
  assert.is(written.length, 1, 'the relief is not told yet');
  await second(1);
  assert.equal(written.at(-1)?.groups?.[0]?.relieved, ['v2']);
  assert.is(written.length, 2);
  pinTo(mesh, 8_000, 'anna');
  await tell();
  assert.equal(written.at(-1)?.groups?.[0]?.pinned, { by: 'anna', why: 'a test', since: '2026-01-01T00:01:05.000Z' });
  mesh.controller.freeze(SERVICE, 'ben', 'an audit', mesh.at());
  await tell();
  assert.is(written.at(-1)?.frozen?.by, 'ben');
  mesh.controller.unfreeze(SERVICE, 'ben', mesh.at());
  await tell();
  assert.is(written.length, 5);
  assert.is(written.at(-1)?.frozen, undefined);
  await second(20);
  assert.is(written.length, 5, 'it says the same as before');
});

test('at the end it is written once more, where there is something new', async () => {
  const { mesh, routes, written, news, tell } = rig();
  await tell();
  pinTo(mesh, 6_000, 'anna');
  await routes.close(news);
  assert.is(written.length, 2);
  assert.equal(written.at(-1)?.groups?.[0]?.weights, { v1: 6_000, v2: 4_000 });
  await routes.close(news);
  assert.is(written.length, 2);
});

test('a status that cannot be gone on with is said, and the route counts', () => {
  const { object, routes, warnings } = rig();
  assert.equal(routes.remembered(), []);
  Object.assign(object, { status: { table: 'none', groups: [] } });
  routes.reload();
  assert.equal(routes.remembered(), []);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', 'the status of AdaptiveRoute demo/search cannot be gone on with: its table is none');
});

test.run();
