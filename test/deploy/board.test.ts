/** What is shown of a running mesh: lines that fit the terminal they are in, and plain ones where there is none. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RequestRecord } from '../../deploy/local/apps/messages.ts';
import { parseScenario } from '../../deploy/local/scenario/parse.ts';
import { type BoardSource, frame } from '../../deploy/local/show/board.ts';
import { asJson, asTsv } from '../../deploy/local/show/files.ts';
import { sharesText, tableText } from '../../deploy/local/show/table.ts';
import { Tally } from '../../deploy/local/show/tally.ts';
import { smallScenario } from './small-scenario.ts';

const scenario = parseScenario(smallScenario, 'small.yaml');
const request = { zone: 'east', latencyMs: 30, lagMs: 0, status: 200, cluster: '', path: 'front/v1 stock/v1' };
const requests: readonly RequestRecord[] = [9, 8].map((id) => ({ ...request, id, atMs: id * 1000 }));

function source(nowMs: number): BoardSource {
  const tally = new Tally();
  for (const [i, version] of ['v1', 'v1', 'v1', 'v2'].entries()) {
    const status = version === 'v2' ? 503 : 200;
    tally.add({ cluster: `outbound|80|${version}|stock`, status, latencyMs: 12 + i }, 8000 + i);
  }
  return { title: 'small, steered', scenario, tally, requests: () => requests, nowMs: () => nowMs };
}

test('the table has every backend with its share, rate, quantiles and failures', () => {
  const { tally } = source(10_000);
  assert.equal(tableText(scenario, tally, 10_000, 5000), [
    'service  backend  zone  share  req/s    p50    p99   failed',
    'front    v1       east      –    0.0      –      –        –',
    'stock    v1       east   75 %    0.6  13 ms  14 ms    0.0 %',
    '         v2       west   25 %    0.2      –      –  100.0 %',
  ]);
  assert.is(sharesText(scenario, tally, 10_000, 5000), 'stock v1 75 % v2 25 %');
});

test('a frame fits its terminal: no line wraps, the table stays, the newest news are shown', () => {
  const news = Array.from({ length: 20 }, (_, i) => `t=${i} s   ${'decision '.repeat(20)}${i}`);
  for (const [columns, rows] of [
    [80, 24],
    [60, 10],
    [200, 60],
    [20, 3],
  ] as const) {
    const lines = frame(source(10_000), news, columns, rows).split('\n');
    assert.ok(
      lines.every((line) => line.length < columns),
      `${columns} columns`,
    );
    assert.ok(lines.length < Math.max(rows, 7), `${lines.length} lines in ${rows} rows`);
    assert.ok(lines.some((line) => line.startsWith('t=19 s')));
  }
  assert.match(
    frame(source(10_000), [], 100, 24),
    /^small, steered {2}t=10 s {2}0 req\/s, p50 30 ms, p99 30 ms, failed 0\.0 %\n/,
  );
});

test('news too long for a line go on in the next, whole pieces only', () => {
  const lines = frame(
    source(10_000),
    ['t=1 s    one', 't=2 s    two is longer than that', 't=3 s    three'],
    24,
    9,
  ).split('\n');
  assert.equal(lines.slice(-3), ['t=2 s    two is longer', '         than that', 't=3 s    three']);
});

test('before second 0 it warms up', () => {
  assert.match(frame(source(-2000), [], 80, 24), /^small, steered {2}t=-2 s {2}warming up\n/);
  assert.match(frame(source(Number.NEGATIVE_INFINITY), [], 80, 24), /warming up\n/);
});

test('requests as rows come in the order of their numbers', () => {
  assert.is(
    asTsv(requests),
    'id\tatMs\tzone\tlatencyMs\tlagMs\tstatus\tpath\n' +
      '8\t8000.0\teast\t30.0\t0.0\t200\tfront/v1 stock/v1\n' +
      '9\t9000.0\teast\t30.0\t0.0\t200\tfront/v1 stock/v1\n',
  );
});

test('the figures as JSON have each run by its name, and the decisions', () => {
  const summary = {
    whole: { requestCount: 2, failureCount: 0, goodputRps: 1, p50Ms: 30, p99Ms: 30 },
    faults: [],
    trust: { lagP50Ms: 0, lagP99Ms: 0, lagMaxMs: 0, busyRatio: 0.5 },
  };
  const result = { summary, requests, tally: new Tally(), tallies: new Map(), decisions: [], zeroWallMs: 0, lost: [] };
  const figures = JSON.parse(asJson(scenario, ['steered', 'unsteered'], [result, result])) as Record<string, unknown>;
  assert.equal(Object.keys(figures), [
    'scenario',
    'seed',
    'durationS',
    'targetMs',
    'steered',
    'unsteered',
    'decisions',
  ]);
});

test.run();
