/** The results of a demo as files: every request as a row, all figures as JSON. Pure. */
import type { RequestRecord } from '../apps/messages.ts';
import type { RunResult } from '../run.ts';
import type { Scenario } from '../scenario/schema.ts';

const COLUMNS = ['id', 'atMs', 'zone', 'latencyMs', 'lagMs', 'status', 'path'];

/** One row for each external request in the order of their numbers; the same number is the same request in both runs. */
export function asTsv(requests: readonly RequestRecord[]): string {
  const rows = [...requests]
    .sort((a, b) => a.id - b.id)
    .map(({ id, atMs, zone, latencyMs, lagMs, status, path }) =>
      [id, atMs.toFixed(1), zone, latencyMs.toFixed(1), lagMs.toFixed(1), status, path].join('\t'),
    );
  return `${[COLUMNS.join('\t'), ...rows].join('\n')}\n`;
}

/** @param kinds of the runs, in the order of `results`: `steered`, `unsteered` */
export function asJson(scenario: Scenario, kinds: readonly string[], results: readonly RunResult[]): string {
  const { name, seed, durationS, targetMs } = scenario;
  const runs = kinds.map((kind, i) => [kind, results[i]?.summary]);
  const decisions = results[kinds.indexOf('steered')]?.decisions ?? [];
  return `${JSON.stringify({ scenario: name, seed, durationS, targetMs, ...Object.fromEntries(runs), decisions }, null, 2)}\n`;
}
