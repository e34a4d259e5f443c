/**
 * A scenario's runs as an SVG: p99 by the second for all set-ups in one panel, and below it for each set-up the share of every
 * backend. With repeats, the middle of them. Drawn by Apache ECharts, which needs no browser for SVG. Pure.
 */
import { init } from 'echarts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';
import { median } from '../compare.ts';
import type { RunRecord } from '../measure/run.ts';

const WIDTH = 960;
const LEFT = 70;
const RIGHT = 190;
const TOP = 70;
const P99_HEIGHT = 260;
const SHARES_HEIGHT = 90;
const GAP = 56;
/** A log axis starts here, ms. */
const LEAST_MS = 10;

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [atS: number, value: number | null])[];
}

/** @param runs all of one scenario, set-ups in the order in which they are to be shown */
export function plotOf({ name, events }: Pick<Scenario, 'name' | 'events'>, runs: readonly RunRecord[]): string {
  const bySetUp = new Map<string, RunRecord[]>();
  for (const run of runs) bySetUp.set(run.setUp, [...(bySetUp.get(run.setUp) ?? []), run]);
  const panels = [...bySetUp].map(([setUp, repeats], i) => ({
    title: setUp,
    top: TOP + P99_HEIGHT + GAP + i * (SHARES_HEIGHT + GAP),
    lines: sharesOf(repeats),
  }));
  const grids = [{ top: TOP, height: P99_HEIGHT }, ...panels.map(({ top }) => ({ top, height: SHARES_HEIGHT }))];
  const height = TOP + P99_HEIGHT + panels.length * (SHARES_HEIGHT + GAP) + GAP;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  const p99 = [...bySetUp].map(([setUp, repeats]) => ({ name: setUp, points: p99Of(repeats) }));
  const lastS = Math.max(0, ...runs.flatMap(({ series }) => series.map(({ atS }) => atS)));
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: [
      { text: name, left: LEFT, top: 8 },
      { text: 'p99 of the last 3 s, ms; a gap: it falls among failed requests', left: LEFT, top: 40, textStyle: small },
      ...panels.map(({ title, top }) => ({ text: `${title}: shares, %`, left: LEFT, top: top - 24, textStyle: small })),
    ],
    grid: grids.map((grid) => ({ ...grid, left: LEFT, right: RIGHT })),
    xAxis: grids.map((_, gridIndex) => ({
      type: 'value',
      gridIndex,
      min: 0,
      max: lastS,
      axisLabel: { formatter: '{value} s', showMaxLabel: false },
    })),
    yAxis: [
      { type: 'log', gridIndex: 0, min: LEAST_MS },
      ...panels.map((_, i) => ({ type: 'value', gridIndex: i + 1, min: 0, max: 100, interval: 50 })),
    ],
    series: [
      ...[p99, ...panels.map(({ lines }) => lines)].flatMap((lines, panel) =>
        lines.map((line) => seriesOf(line, panel)),
      ),
      ...grids.map((_, panel) => eventsOf(events, panel)),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

const small = { fontSize: 12, fontWeight: 'normal' } as const;

/** Labelled at its end, so that a legend need not be looked up. */
function seriesOf({ name, points }: Line, panel: number): Record<string, unknown> {
  return {
    ...{ type: 'line', name, xAxisIndex: panel, yAxisIndex: panel, symbol: 'none', data: points },
    endLabel: { show: true, formatter: name, color: 'inherit' },
    labelLayout: { moveOverlap: 'shiftY' },
    lineStyle: { width: name === 'weir' ? 3 : 1.5 },
  };
}

/** A line across at each event; what it is stands in the upper panel. */
function eventsOf(events: Scenario['events'], panel: number): Record<string, unknown> {
  const label = { show: panel === 0, formatter: '{b}', position: 'insideStartTop', ...small };
  const data = events.map(({ atS, note }) => ({ xAxis: atS, name: note ?? '' }));
  const lineStyle = { color: '#888', type: 'dashed' };
  const markLine = { silent: true, symbol: 'none', label, lineStyle, data };
  return { type: 'line', xAxisIndex: panel, yAxisIndex: panel, data: [], markLine };
}

function p99Of(repeats: readonly RunRecord[]): Line['points'] {
  return secondsOf(repeats).map((atS) => {
    const values = repeats.map(({ series }) => series.find((point) => point.atS === atS)?.p99Ms ?? null);
    return [atS, median(values)] as const;
  });
}

function sharesOf(repeats: readonly RunRecord[]): Line[] {
  const names = [...new Set(repeats.flatMap(({ series }) => series.flatMap(({ shares }) => Object.keys(shares))))];
  return names.map((name) => ({
    name,
    points: secondsOf(repeats).map((atS) => {
      const values = repeats.flatMap(({ series }) => series.find((point) => point.atS === atS)?.shares[name] ?? []);
      const middle = median(values);
      return [atS, middle === null ? null : 100 * middle] as const;
    }),
  }));
}

function secondsOf(repeats: readonly RunRecord[]): number[] {
  return repeats[0]?.series.map(({ atS }) => atS) ?? [];
}
