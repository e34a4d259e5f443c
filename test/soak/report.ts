/** What a soak prints: a line for each minute, and two tables at the end. Pure. */
import Table from 'cli-table3';
import { type Growth, type MemoryLog, megabytes } from './memory.ts';
import type { PlannedFault } from './plan.ts';
import { backAfterS, type Recovery, share } from './recovery.ts';

/** `minute 3 of 30: checkout/a both; 5391 requests, 1.2 % failed; controller 131.0 MiB, 2 agents 190.1 MiB, 10 envoys 600.3 MiB` */
export function minuteLine(
  minute: number,
  of: number,
  { backend, kind }: PlannedFault,
  requests: { readonly count: number; readonly failed: number },
  memory: MemoryLog,
): string {
  const failed = requests.count === 0 ? '–' : `${((requests.failed / requests.count) * 100).toFixed(1)} %`;
  const kinds = (['controller', 'agent', 'envoy'] as const).map((each) => {
    const { count, bytes } = memory.latest(each);
    return `${count === 1 ? each : `${count} ${each}s`} ${megabytes(bytes)}`;
  });
  return `minute ${minute} of ${of}: ${backend} ${kind}; ${requests.count} requests, ${failed} failed; ${kinds.join(', ')}`;
}

export function faultTable(recoveries: readonly Recovery[]): string {
  const head = ['minute', 'broken', 'how', 'share before', 'while broken', 'after', 'back after'];
  return tableOf(
    head,
    recoveries.map((recovery, i) => [
      String(i + 1),
      recovery.backend,
      recovery.kind,
      share(recovery.shareBefore),
      share(recovery.shareBroken),
      share(recovery.shareAfter),
      sayBack(recovery),
    ]),
  );
}

function sayBack(recovery: Recovery): string {
  const { zones } = recovery;
  if (zones.length === 0) return 'not relieved';
  const few = zones.filter(({ isJudged }) => !isJudged);
  const judged = few.length === zones.length ? [] : [seconds(backAfterS(recovery))];
  const shown = few.map((each) => `${each.zone} ${seconds(each.backAfterS)} at ${each.loadRps.toFixed(0)} calls/s`);
  return [...judged, ...shown].join(', ');
}

function seconds(afterS: number | undefined): string {
  return afterS === undefined ? 'never' : `${afterS.toFixed(1)} s`;
}

export function memoryTable(growths: readonly Growth[]): string {
  const head = ['process', 'median', 'most', 'growth', 'may grow'];
  return tableOf(
    head,
    growths.map(({ name, kind, medianBytes, mostBytes, growthBytes, limitBytes }) => [
      name,
      megabytes(medianBytes),
      megabytes(mostBytes),
      megabytes(growthBytes),
      kind === 'other' ? 'not judged' : megabytes(limitBytes),
    ]),
  );
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const style = { head: [], border: [] };
  const table = new Table({ head: [...head], colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')), style });
  for (const row of rows) table.push([...row]);
  return table.toString();
}
