/** The comparison of one scenario as a table. Pure. */
import Table from 'cli-table3';
import type { FigureName, PolicyReport, ScenarioReport } from '../compare.ts';

const HEAD = ['', 'good/s', 'p50', 'p90', 'p99 ms', 'failed', 'crossing', 'relief s', 'p99 ratio', 'goodput ratio'];

export function tableOf({ policies }: ScenarioReport): string {
  const table = new Table({ head: HEAD, colAligns: HEAD.map((_, i) => (i === 0 ? 'left' : 'right')), style: plain });
  for (const [name, report] of Object.entries(policies)) table.push(rowOf(name, report));
  return table.toString();
}

const plain = { head: [], border: [] };

function rowOf(name: string, report: PolicyReport): string[] {
  const ms = (value: number | null) => (value === null ? 'failed' : value < 10 ? value.toFixed(1) : value.toFixed(0));
  const share = (value: number | null) => `${((value ?? 0) * 100).toFixed(1)} %`;
  const seconds = (value: number | null) => (value === null ? 'never' : value.toFixed(1));
  const ratio = (value: number | null) => (value === null ? '–' : value.toFixed(2));
  const { ratioToBestPeer, faultCount } = report;
  return [
    name,
    withSpread(report, 'goodputRps', (value) => (value ?? 0).toFixed(1)),
    ms(report.p50Ms),
    ms(report.p90Ms),
    withSpread(report, 'p99Ms', ms),
    share(report.errorRatio),
    share(report.crossZoneShare),
    faultCount === 0 ? '–' : withSpread(report, 'reliefS', seconds),
    ratio(ratioToBestPeer.p99),
    ratio(ratioToBestPeer.goodput),
  ];
}

/** `61 (58 to 70)`: the middle, and the ends over the repeats. */
function withSpread(report: PolicyReport, figure: FigureName, show: (value: number | null) => string): string {
  const [least, most] = report.spread[figure];
  const middle = show(report[figure]);
  return report.repeats === 1 ? middle : `${middle} (${show(least)} to ${show(most)})`;
}
