/** What survives: a restart, a changed route, a state that cannot be read, a flood of old reports. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Controller } from '../../../controller/controller.ts';
import { routeOf, SERVICE, SimulatedMesh } from '../../support/simulated-mesh.ts';

const two = routeOf(['v1', 'v2']);
const three = routeOf(['v1', 'v2', 'v3']);

test('restarted it goes on with weights, reliefs and what was normal', () => {
  const mesh = new SimulatedMesh(three, { 'zone-a': 60 });
  mesh.run(60);
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0.9 });
  mesh.run(20);
  const before = mesh.weights('zone-a');
  mesh.restart([three]);
  assert.equal(mesh.weights('zone-a'), before);
  Object.assign(mesh.backends.v2 ?? {}, { errorRatio: 0 });
  Object.assign(mesh.backends.v1 ?? {}, { errorRatio: 0.9 });
  mesh.run(4);
  assert.ok(mesh.share('v1', 'zone-a') < 0.05, 'the past of v1 is still known');
  mesh.run(60);
  assert.ok(mesh.share('v2', 'zone-a') > 0.4, 'the relief of v2 ended');
});

test('a trial does not survive a restart, and says so', () => {
  const mesh = new SimulatedMesh(two, { '': 60 });
  Object.assign(mesh.backends.v2 ?? {}, { meanMs: 40 });
  mesh.runToTrial();
  mesh.restart([two]);
  assert.is(mesh.table()?.trialId, 0);
  assert.equal(mesh.weights(), { v1: 5_000, v2: 5_000 });
  assert.is(mesh.decisions.at(-1)?.verdict, 'aborted');
  assert.match(mesh.decisions.at(-1)?.why ?? '', /restarted while it ran/);
  mesh.runToTrial();
  assert.is(mesh.table()?.trialId, 2, 'a trial id is never used twice');
});

test('a restart on a changed route carries over what it can', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  mesh.controller.pin(SERVICE, '*', { v1: 8_000, v2: 2_000 }, 'anna', 'a test', mesh.at());
  mesh.restart([three]);
  assert.equal(mesh.weights(), { v1: 7_840, v2: 1_960, v3: 200 });
});

test('state that cannot be read is left out with a warning', () => {
  const warnings: string[] = [];
  const controller = new Controller(
    {
      epoch: 1,
      tableTtlMs: 1_000,
      routes: [two],
      decide: (decision) => ({ ...decision, id: 1 }),
      saved: [
        { key: `service:${SERVICE}`, value: { groups: 'none' } },
        { key: `pasts:${SERVICE}`, value: 7 },
        { key: 'trials', value: 'x' },
        { key: 'unknown', value: null },
      ],
      warn: (event) => warnings.push(event),
    },
    { nowMs: 0, wallMs: 0 },
  );
  assert.equal(warnings, ['state_ignored']);
  assert.is(controller.tables().services.length, 1);
});

test('routes come, change and go; weights follow as far as the backends do', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  mesh.controller.pin(SERVICE, '*', { v1: 8_000, v2: 2_000 }, 'anna', 'a test', mesh.at());
  const { number } = mesh.controller.tables();
  mesh.controller.setRoutes([three], mesh.at());
  assert.equal(mesh.weights(), { v1: 7_840, v2: 1_960, v3: 200 });
  assert.is(mesh.controller.tables().number, number + 1);
  mesh.controller.setRoutes([routeOf(['v1', 'v3'], '  draw: exact')], mesh.at());
  assert.is(mesh.table()?.draw, 'exact');
  mesh.controller.setRoutes([], mesh.at());
  assert.equal(mesh.controller.tables().services, []);
  assert.equal(
    mesh.decisions.filter(({ kind }) => kind === 'route').map(({ why }) => why.split(',')[0]),
    ['the route changed', 'the route changed', 'the route is gone: requests go by the plain routes'],
  );
});

test('the tables are the same object until something changes', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  const before = mesh.controller.tables();
  mesh.run(10);
  assert.is(mesh.controller.tables(), before);
});

test('reports that waited in an outbox do not read as a flood', () => {
  const mesh = new SimulatedMesh(two, { '': 50 });
  mesh.run(30);
  const calm = mesh.controller.services(mesh.at())[0]?.loadRps ?? 0;
  const stale = Array.from({ length: 60 }, () => ({
    ...mesh.reportOf(''),
    windowStartMs: mesh.clock.wallMs() - 60_000,
  }));
  for (const report of stale) mesh.controller.observe(report, mesh.at());
  mesh.run(1);
  const after = mesh.controller.services(mesh.at())[0]?.loadRps ?? 0;
  assert.ok(Math.abs(after / calm - 1) < 0.2, `${calm} to ${after} requests/s`);
});

test('forecasts add up per zone and reach the status and the graph; a silent proxy is named once', () => {
  const mesh = new SimulatedMesh(two, { 'zone-a': 10 });
  mesh.run(1);
  const caller = { workload: 'web', namespace: 'demo', zone: 'zone-a', node: 'n1' };
  const forecast = (node: string, cluster: string, loadRps: number[]) => ({
    caller: { ...caller, node },
    cluster,
    forecaster: 'naive',
    windowMs: 10_000,
    loadRps,
    errorRps: 0,
  });
  const proxy = (silentMs: number) => ({
    ...{ nodeId: 'web-1', caller, tableEpoch: 1, tableNumber: 1, silentMs, droppedCalls: 0, lostSamples: 0 },
    ...{ strippedHeaders: 0, steeredCalls: 0, rejectedTables: 0, configErrors: 0 },
  });
  const forecasts = [
    forecast('n1', 'search-v1', [3, 4]),
    forecast('n2', 'search-v1', [1, 1]),
    forecast('n1', 'search-v2', [2, 2]),
  ];
  const proxies = [proxy(45_000)];
  mesh.controller.observe({ ...mesh.reportOf('zone-a'), forecasts, proxies }, mesh.at());
  mesh.controller.observe({ ...mesh.reportOf('zone-a'), proxies }, mesh.at());
  mesh.controller.observe({ ...mesh.reportOf('zone-a'), proxies: [proxy(0)] }, mesh.at());
  const status = mesh.controller.services(mesh.at()).find(({ group }) => group === 'zone-a');
  assert.equal(status?.forecastRps, [6, 7]);
  assert.is(mesh.controller.graph().forecasts.length, 3);
  assert.equal(
    mesh.warnings.map(({ event }) => event),
    ['proxy_silent', 'proxy_back'],
  );
  mesh.run(21);
  assert.equal(mesh.controller.graph().forecasts, []);
});

test.run();
