/** What a backend is to be ready for: by hand-made groups, and by a controller that is told of calls and forecasts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { demandOf } from '../../../controller/steer/demand.ts';
import type { ServiceStatus } from '../../../controller/steer/status.ts';
import { routeOf, SERVICE, SimulatedMesh } from '../../support/simulated-mesh.ts';

/** A group that calls v1 and v2, so many a second each. */
function group(v1Weight: number, v1Rps: number, v2Rps: number, more: Partial<ServiceStatus> = {}): ServiceStatus {
  const backends = [
    { name: 'v1', weight: v1Weight, loadRps: v1Rps },
    { name: 'v2', weight: 10_000 - v1Weight, loadRps: v2Rps },
  ];
  const status = { mode: 'enforce', trial: null, forecastRps: [], loadRps: v1Rps + v2Rps, backends, ...more };
  return status as unknown as ServiceStatus;
}

test('each group counts by its forecast and its weights, in the window in which they are busiest together', () => {
  const west = group(8_000, 80, 20, { forecastRps: [100, 300, 200] });
  const east = group(1_000, 5, 45, { forecastRps: [60, 50, 400] });
  assert.equal(demandOf([west, east], 'v1', 60_000), { loadRps: 245, measuredRps: 85, foreseenRps: 245, aheadS: 60 });
  assert.is(demandOf([west, east], 'v2', 60_000).loadRps, 200 * 0.2 + 400 * 0.9);
});

test('a forecast of less takes nothing from what is called now', () => {
  const falling = group(5_000, 50, 50, { forecastRps: [10, 5] });
  assert.equal(demandOf([falling], 'v1', 20_000), { loadRps: 50, measuredRps: 50, foreseenRps: 50, aheadS: 20 });
  const moved = group(1_000, 60, 40);
  assert.equal(demandOf([moved], 'v1', 0), { loadRps: 60, measuredRps: 60, foreseenRps: 10, aheadS: 0 });
  assert.is(demandOf([moved], 'v2', 0).loadRps, 90, 'who gets the others’ share is ready for it before it comes');
});

test('both arms of a trial count', () => {
  const trial = { id: 1, stage: 1, stages: 3, share: 0.3, to: { v1: 2_000, v2: 8_000 } };
  const tried = group(6_000, 0, 0, { trial, loadRps: 100 });
  assert.is(Math.round(demandOf([tried], 'v1', 0).foreseenRps), 48);
});

test('where no table is in force, calls go on as they are measured to go', () => {
  const watched = group(5_000, 30, 10, { mode: 'observe', forecastRps: [80] });
  assert.is(demandOf([watched], 'v1', 10_000).loadRps, 60);
  assert.is(demandOf([group(5_000, 0, 0, { mode: 'observe', forecastRps: [80] })], 'v1', 10_000).loadRps, 0);
});

const forecast = (zone: string, loadRps: number[]) => ({
  caller: { workload: 'web', namespace: 'demo', zone, node: `n-${zone}` },
  ...{ cluster: 'search-v1', forecaster: 'naive', windowMs: 10_000, loadRps, errorRps: 0 },
});

test('a controller says what it foresees, for all zones where callers are one group', () => {
  for (const callerGroup of ['zone', 'mesh']) {
    const mesh = new SimulatedMesh(routeOf(['v1', 'v2'], `  callerGroup: ${callerGroup}`), {
      'zone-a': 20,
      'zone-b': 20,
    });
    mesh.run(30);
    const forecasts = [forecast('zone-a', [100, 200]), forecast('zone-b', [300, 100])];
    mesh.controller.observe({ ...mesh.reportOf('zone-a'), forecasts }, mesh.at());
    const { loadRps, foreseenRps, measuredRps, aheadS } = mesh.controller.demand(SERVICE, 'v1', mesh.at());
    assert.equal([loadRps, foreseenRps, aheadS], [200, 200, 20], callerGroup);
    assert.ok(measuredRps > 15 && measuredRps < 25, `${measuredRps} of 20 requests/s`);
  }
});

test('what is not known is not taken for nothing', () => {
  const route = routeOf(['v1', 'v2']);
  const mesh = new SimulatedMesh(route, { 'zone-a': 20 });
  const ask = () => mesh.controller.demand(SERVICE, 'v1', mesh.at());
  const unknown = (why: string) => `how much ${SERVICE} is called is not known: ${why}`;
  assert.throws(ask, unknown('no agent has reported yet'));
  mesh.run(5);
  assert.throws(ask, unknown('agents have reported for 4 s, and all of them may be there after 20 s'));
  mesh.run(20);
  assert.ok(ask().loadRps > 5);
  mesh.clock.advance(40_000);
  assert.throws(ask, unknown('no agent has reported for 40 s'));
  mesh.run(25);
  assert.ok(ask().loadRps > 5);
});

test('a service that was never seen called is not known, one that fell silent is', () => {
  const mesh = new SimulatedMesh(routeOf(['v1', 'v2']), { 'zone-a': 20 });
  const ask = () => mesh.controller.demand(SERVICE, 'v1', mesh.at());
  mesh.loadRps['zone-a'] = 0;
  mesh.run(30);
  assert.throws(ask, /is not known: no call of it was seen yet$/);
  mesh.loadRps['zone-a'] = 20;
  mesh.run(30);
  mesh.loadRps['zone-a'] = 0;
  mesh.run(300);
  assert.equal(ask(), { loadRps: 0, measuredRps: 0, foreseenRps: 0, aheadS: 0 });
});

test('another service and another backend are refused by name', () => {
  const mesh = new SimulatedMesh(routeOf(['v1', 'v2']), { 'zone-a': 20 });
  assert.throws(() => mesh.controller.demand('*', 'v1', mesh.at()), /no AdaptiveRoute names the service \*/);
  assert.throws(
    () => mesh.controller.demand(SERVICE, 'v9', mesh.at()),
    /search\.demo:8080 has no backend v9; it has v1, v2/,
  );
});

test.run();
