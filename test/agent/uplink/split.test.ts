/** Reports over the wire's limits: cut into parts that each fit, nothing lost, nothing twice. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { splitReport } from '../../../agent/uplink/split.ts';
import { decodeFromAgent, encode } from '../../../controller/wire/codec.ts';
import {
  type ForecastReport,
  MAX_FRAME_BYTES,
  type ProxyReport,
  type Report,
} from '../../../controller/wire/messages.ts';
import { callerOf, edgeReportOf } from '../sketch.ts';

const MOST = Number.MAX_SAFE_INTEGER;
const LONG = 'ž'.repeat(255);
const longCaller = { workload: LONG, namespace: LONG, zone: LONG, node: LONG };

const forecast = (more: Partial<ForecastReport> = {}): ForecastReport => ({
  caller: callerOf(),
  cluster: 'shop-a',
  forecaster: 'naive',
  windowMs: 10_000,
  loadRps: [1, 2, 3, 4, 5, 6],
  errorRps: 0.5,
  ...more,
});
const proxy = (more: Partial<ProxyReport> = {}): ProxyReport => ({
  nodeId: 'sidecar~1',
  caller: callerOf(),
  tableEpoch: 1,
  tableNumber: 1,
  silentMs: 0,
  droppedCalls: 0,
  lostSamples: 0,
  strippedHeaders: 0,
  steeredCalls: 0,
  rejectedTables: 0,
  configErrors: 0,
  ...more,
});
const whole = (more: Partial<Report> = {}) => ({
  type: 'report' as const,
  windowStartMs: 1_700_000_000_000,
  windowMs: 1_000,
  edges: [],
  forecasts: [],
  proxies: [],
  lostReports: 0,
  ...more,
});
const times = <Value>(count: number, make: (i: number) => Value) => Array.from({ length: count }, (_, i) => make(i));

function split(report: ReturnType<typeof whole>, limits?: Parameters<typeof splitReport>[2]) {
  let sequence = 40;
  return splitReport(report, () => ++sequence, limits);
}

test('what fits is one report, an empty one too', () => {
  const report = whole({ edges: [edgeReportOf()], forecasts: [forecast()], proxies: [proxy()] });
  assert.equal(
    split(report).map((part) => part.report),
    [{ ...report, sequence: 41 }],
  );
  assert.equal(
    split(whole()).map((part) => part.report),
    [{ ...whole(), sequence: 41 }],
  );
});

test('parts share the window, ascend in sequence, and hold each item once', () => {
  const edges = times(25, (i) => edgeReportOf({ cluster: `c${i}` }));
  const forecasts = times(12, (i) => forecast({ cluster: `c${i}` }));
  const proxies = times(7, (i) => proxy({ nodeId: `p${i}` }));
  const parts = split(whole({ edges, forecasts, proxies }), { bytes: 1e6, edges: 10, forecasts: 10, proxies: 3 });
  const reports = parts.map(({ report }) => report);
  assert.equal(
    reports.map(({ sequence }) => sequence),
    reports.map((_, i) => 41 + i),
  );
  assert.ok(reports.every(({ windowStartMs, windowMs }) => windowStartMs === 1_700_000_000_000 && windowMs === 1_000));
  assert.ok(
    reports.every((part) => part.edges.length <= 10 && part.forecasts.length <= 10 && part.proxies.length <= 3),
  );
  assert.equal(
    reports.flatMap((part) => part.edges),
    edges,
  );
  assert.equal(
    reports.flatMap((part) => part.forecasts),
    forecasts,
  );
  assert.equal(
    reports.flatMap((part) => part.proxies),
    proxies,
  );
});

test('the bytes it counts with are never fewer than those on the wire', () => {
  const latency = times(644, () => 0xffffffff);
  const outcomes = times(6, () => MOST);
  const wide = { trialId: MOST, retries: MOST, inFlight: MOST, latencySumUs: MOST };
  const cases = [
    whole({ edges: [edgeReportOf({ caller: longCaller, cluster: LONG, arm: 'stable', outcomes, latency, ...wide })] }),
    whole({
      forecasts: [
        forecast({
          caller: longCaller,
          cluster: LONG,
          forecaster: LONG,
          windowMs: MOST,
          loadRps: times(60, () => 0.1),
        }),
      ],
    }),
    whole({
      proxies: [
        proxy({
          caller: longCaller,
          nodeId: LONG,
          tableEpoch: MOST,
          tableNumber: MOST,
          silentMs: MOST,
          droppedCalls: MOST,
          lostSamples: MOST,
          strippedHeaders: MOST,
          steeredCalls: MOST,
          rejectedTables: MOST,
          configErrors: MOST,
        }),
      ],
    }),
    whole({ windowStartMs: MOST, windowMs: MOST, lostReports: MOST }),
  ];
  for (const report of cases) {
    const [part, ...more] = split(report);
    assert.equal(more, []);
    if (!part) throw new Error('no part');
    assert.ok(encode({ ...part.report, sequence: MOST }).length <= part.bytes);
  }
});

test('a window of ten thousand edges with full histograms leaves in frames that the wire takes', () => {
  const latency = times(644, (i) => (i % 2 === 0 ? 100_000 * (i + 1) : 70_000));
  const edges = times(10_000, (i) => edgeReportOf({ cluster: `outbound|80|v1|service-${i}.shop.svc`, latency }));
  const parts = split(whole({ edges }));
  assert.ok(parts.length > 1);
  let count = 0;
  for (const { report } of parts) {
    const bytes = encode(report);
    assert.ok(bytes.length <= MAX_FRAME_BYTES, `a frame of ${bytes.length} bytes`);
    count += (decodeFromAgent(bytes) as Report).edges.length;
  }
  assert.is(count, 10_000);
});

test.run();
