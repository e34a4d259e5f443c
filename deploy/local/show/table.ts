/** The figures of every backend as text: a table, and one line of shares. Pure. */
import { clusterOf } from '../envoy/bootstrap.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Service } from '../scenario/service-schema.ts';
import { milliseconds, percent } from './figures.ts';
import type { Tally } from './tally.ts';

const HEAD = ['service', 'backend', 'zone', 'share', 'req/s', 'p50', 'p99', 'failed'];
/** From this column on figures, which stand right. */
const FIRST_FIGURE = 3;

/** A line for the heads and one for each backend, of the calls that ended in the `windowMs` before `nowMs`. */
export function tableText(scenario: Scenario, tally: Tally, nowMs: number, windowMs: number): string[] {
  const fromMs = nowMs - windowMs;
  const rows = scenario.services.flatMap((service) => {
    const clusters = clustersOf(service);
    return service.backends.map(({ name, zone }, i) => {
      const cluster = clusters[i] ?? '';
      const seen = tally.figuresIn(cluster, fromMs, nowMs);
      return [
        i === 0 ? service.name : '',
        name,
        zone,
        percent(tally.shareIn(cluster, clusters, fromMs, nowMs)),
        (seen.callCount / (windowMs / 1000)).toFixed(1),
        milliseconds(seen.p50Ms),
        milliseconds(seen.p99Ms),
        percent(seen.callCount === 0 ? undefined : seen.failureCount / seen.callCount, 1),
      ];
    });
  });
  return align([HEAD, ...rows]);
}

/** The services with a choice: `payments v1-a 33 % v2-a 34 % v1-b 33 %`. */
export function sharesText(scenario: Scenario, tally: Tally, nowMs: number, windowMs: number): string {
  const shares = scenario.services
    .filter((service) => service.backends.length > 1)
    .map((service) => {
      const clusters = clustersOf(service);
      const parts = service.backends.map(
        ({ name }, i) => `${name} ${percent(tally.shareIn(clusters[i] ?? '', clusters, nowMs - windowMs, nowMs))}`,
      );
      return `${service.name} ${parts.join(' ')}`;
    });
  return shares.join('; ');
}

function clustersOf(service: Service): string[] {
  return service.backends.map(({ name }) => clusterOf({ host: service.name, port: service.port }, name));
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < FIRST_FIGURE ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
