/** The comparison of one scenario as a table. Pure. */
import Table from 'cli-table3';
import type { FigureName, PolicyReport, ScenarioReport } from '../compare.ts';

const HEAD = ['', 'good/s', 'p50', 'p90', 'p99 ms', 'failed', 'crossing', 'relief s', 'p99 ratio', 'goodput ratio'];

export function tableOf({ policies }: ScenarioReport): string {
  const table = new Table({ head: HEAD, colAligns: HEAD.map((_, i) => (i === 0 ? 'left' : 'right')), style: plain });
  const most = Math.max(...Object.values(policies).map(({ repeats }) => repeats));
  for (const [name, report] of Object.entries(policies)) table.push(rowOf(nameOf(name, report, most), report));
  return table.toString();
}

/** Fixed weights, one line per service and caller group; empty where there are none. */
export function weightLines({ policies }: ScenarioReport): string {
  return Object.entries(policies)
    .flatMap(([name, { weights, simulatedP99Ms = null }]) =>
      weights
        ? [
            `${name}, the best fixed weights found, p99 ${milliseconds(simulatedP99Ms)} ms as simulated:`,
            ...Object.entries(weights).flatMap(([service, groups]) =>
              Object.entries(groups).map(([group, shares]) => `  ${service} from ${group}: ${sayShares(shares)}`),
            ),
          ]
        : [],
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** @param shares weights out of 10,000 by backend */
function sayShares(shares: Readonly<Record<string, number>>): string {
  return Object.entries(shares)
    .map(([backend, weight]) => `${backend} ${Number((weight / 100).toFixed(1))} %`)
    .join(', ');
}

/** Says so where a set-up has fewer runs than others. */
function nameOf(name: string, { repeats }: PolicyReport, most: number): string {
  return repeats === most ? name : `${name} (${repeats} run${repeats === 1 ? '' : 's'})`;
}

function milliseconds(value: number | null): string {
  if (value === null) return 'failed';
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

const plain = { head: [], border: [] };

function rowOf(name: string, report: PolicyReport): string[] {
  const share = (value: number | null) => `${((value ?? 0) * 100).toFixed(1)} %`;
  const seconds = (value: number | null) => (value === null ? 'never' : value.toFixed(1));
  const ratio = (value: number | null) => (value === null ? '–' : value.toFixed(2));
  const { ratioToBestPeer, faultCount } = report;
  return [
    name,
    withSpread(report, 'goodputRps', (value) => (value ?? 0).toFixed(1)),
    milliseconds(report.p50Ms),
    milliseconds(report.p90Ms),
    withSpread(report, 'p99Ms', milliseconds),
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
