/** Series of a node: windows added up, partial ones, idle ones, and turns for the dear part. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SeriesSet } from '../../../agent/forecast/series.ts';
import { callerOf, edgeReportOf } from '../sketch.ts';

const WINDOW_MS = 10_000;
const calls = (count: number, cluster = 'shop-a') => edgeReportOf({ cluster, outcomes: [count, 0, 0, 0, 0, 0] });

/** Ten report windows of a second, with so many calls in each. */
function forecastWindow(set: SeriesSet, startMs: number, perSecond: number, cluster = 'shop-a') {
  for (let i = 0; i < 10; i++) {
    if (perSecond > 0) set.add(calls(perSecond, cluster), startMs + i * 1_000);
    const reports = set.close(startMs + (i + 1) * 1_000);
    if (i < 9) assert.equal(reports, [], 'a forecast came before the window was over');
    else return reports;
  }
  return [];
}

test('report windows are added up to a forecast window, and one forecast comes for each series', () => {
  const set = new SeriesSet(WINDOW_MS, 0);
  const [report, ...more] = forecastWindow(set, 0, 30);
  assert.equal(more, []);
  assert.equal(report, {
    caller: callerOf(),
    cluster: 'shop-a',
    forecaster: 'naive',
    windowMs: WINDOW_MS,
    loadRps: [30, 30, 30, 30, 30, 30],
    errorRps: 0,
  });
});

test('both arms of an edge are one series, other clusters and callers are others', () => {
  const set = new SeriesSet(WINDOW_MS, 0);
  set.add(calls(600), 0);
  set.add(edgeReportOf({ arm: 'trial', trialId: 4, outcomes: [400, 0, 0, 0, 0, 0] }), 0);
  set.add(calls(50, 'shop-b'), 0);
  set.add(edgeReportOf({ caller: callerOf({ zone: 'zone-b' }), outcomes: [0, 0, 0, 10, 0, 0] }), 0);
  assert.equal(
    set.close(10_000).map(({ loadRps }) => loadRps[0]),
    [100, 5, 1],
  );
});

test('a window told late counts with its true length', () => {
  const set = new SeriesSet(WINDOW_MS, 0);
  set.add(calls(300), 0);
  assert.is(set.close(15_000)[0]?.loadRps[0], 20);
});

test('a series that began within a window is measured by what it saw of it, if that was half at least', () => {
  const set = new SeriesSet(WINDOW_MS, 0);
  set.add(calls(60), 4_000);
  set.add(calls(60, 'shop-b'), 8_000);
  const reports = set.close(10_000);
  assert.equal(
    reports.map(({ cluster, loadRps }) => [cluster, loadRps[0]]),
    [
      ['shop-a', 10],
      ['shop-b', 0],
    ],
  );
});

test('a window without calls is a 0, and after sixty of them the series is forgotten', () => {
  const set = new SeriesSet(WINDOW_MS, 0);
  forecastWindow(set, 0, 10);
  assert.is(forecastWindow(set, 10_000, 0)[0]?.loadRps[0], 0);
  for (let i = 2; i <= 60; i++) forecastWindow(set, i * WINDOW_MS, 0);
  assert.is(set.size, 1);
  forecastWindow(set, 61 * WINDOW_MS, 0);
  assert.is(set.size, 0);
});

test('past the most series a new one is counted and not forecast', () => {
  const set = new SeriesSet(WINDOW_MS, 0, { maxSeries: 1, searchesPerTurn: 1 });
  set.add(calls(1), 0);
  set.add(calls(1, 'shop-b'), 0);
  set.add(calls(1), 0);
  assert.is(set.size, 1);
  assert.is(set.takeCrowdedOut(), 1);
  assert.is(set.takeCrowdedOut(), 0);
});

test('each series has its turn to be searched for a season, a few in each report window', () => {
  const set = new SeriesSet(WINDOW_MS, 0, { maxSeries: 10, searchesPerTurn: 1 });
  const load = (i: number) => 100 + Math.round(80 * Math.sin((2 * Math.PI * i) / 12));
  const clusters = ['shop-a', 'shop-b', 'shop-c'];
  const close = (i: number) => {
    for (const cluster of clusters) set.add(calls(10 * load(i), cluster), i * WINDOW_MS);
    return set.close((i + 1) * WINDOW_MS);
  };
  for (let i = 0; i < 60; i++) close(i);
  set.lookForSeasons();
  set.lookForSeasons();
  for (let i = 60; i < 84; i++) close(i);
  assert.equal(
    close(84).map(({ cluster, forecaster }) => [cluster, forecaster === 'seasonal-naive']),
    [
      ['shop-a', true],
      ['shop-b', true],
      ['shop-c', false],
    ],
  );
});

test.run();
