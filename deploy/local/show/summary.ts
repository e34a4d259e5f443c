/** The figures of a run and the comparison of two, as data and as text. Pure. */
import { isSuccess } from '../apps/caller.ts';
import type { RequestRecord } from '../apps/messages.ts';
import type { Course, Fault } from './faults.ts';
import { latency, percent, rankOf } from './figures.ts';
import { doubts, sayTrust, type Trust } from './trust.ts';

const LABEL_WIDTH = 32;

export interface Outcome {
  readonly requestCount: number;
  readonly failureCount: number;
  /** Requests that succeeded within the target, per second. */
  readonly goodputRps: number;
  /**
   * From the intended arrival. A request that failed counts as slower than all that succeeded, or a run would look the faster
   * the more of its long call trees break; undefined: the quantile falls among those that failed.
   */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface RunSummary {
  /** Without the warm-up. */
  readonly whole: Outcome;
  readonly faults: readonly { readonly fault: Fault; readonly course: Course; readonly during: Outcome }[];
  readonly trust: Trust;
}

/** Of requests meant to arrive in [fromMs, toMs). */
export function outcomeOf(requests: readonly RequestRecord[], fromMs: number, toMs: number, targetMs: number): Outcome {
  const inside = requests.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const good = inside.filter(({ status, latencyMs }) => isSuccess(status) && latencyMs <= targetMs);
  const answered = inside.filter(({ status }) => isSuccess(status)).map(({ latencyMs }) => latencyMs);
  answered.sort((a, b) => a - b);
  return {
    requestCount: inside.length,
    failureCount: inside.length - answered.length,
    goodputRps: good.length / ((toMs - fromMs) / 1000),
    p50Ms: answered[rankOf(inside.length, 0.5)],
    p99Ms: answered[rankOf(inside.length, 0.99)],
  };
}

/** @param name of the run, `steered` or `unsteered` @param baseline the unsteered run, when the first was steered and it was made */
export function describe(run: RunSummary, baseline: RunSummary | undefined, targetMs: number, name: string): string {
  const columns = [name, ...(baseline ? ['unsteered', 'ratio'] : [])];
  const lines = [columns.reduce((line, column) => line + column.padStart(12), ' '.repeat(LABEL_WIDTH))];
  lines.push(...compare('whole run', run.whole, baseline?.whole, targetMs));
  for (const [i, { fault, course, during }] of run.faults.entries()) {
    const same = baseline?.faults[i];
    lines.push(...compare(`while ${fault.backend} was broken`, during, same?.during, targetMs));
    lines.push('', `${fault.backend}:`);
    lines.push(
      `  its share fell below 5 % ${after(course.leftAfterS, 's after it broke', 'at no time')}${same ? `; unsteered ${after(same.course.leftAfterS, 's', 'never')}` : ''}`,
    );
    if (fault.healedMs < fault.endMs && course.leftAfterS !== undefined) {
      lines.push(`  its share was 5 % again ${after(course.backAfterS, 's after it was healed', 'at no time')}`);
    }
    lines.push(
      `  its share: ${percent(course.shareBefore)} before, ${percent(course.shareBroken)} while broken, ${percent(course.shareAtEnd)} at the end`,
    );
  }
  lines.push('', `load generator: ${name} ${sayTrust(run.trust)}`);
  if (baseline) lines.push(`${' '.repeat('load generator: '.length)}unsteered ${sayTrust(baseline.trust)}`);
  const doubted = [...doubts(run.trust, name), ...(baseline ? doubts(baseline.trust, 'unsteered') : [])];
  return [...lines, ...doubted.map((doubt) => `WARNING: ${doubt}`)].join('\n');
}

function compare(title: string, own: Outcome, other: Outcome | undefined, targetMs: number): string[] {
  const row = (
    label: string,
    value: (outcome: Outcome) => number | undefined,
    show: (n: number | undefined) => string,
  ) => {
    const first = value(own);
    const line = `  ${label}`.padEnd(LABEL_WIDTH) + show(first).padStart(12);
    if (!other) return line;
    const second = value(other);
    const ratio = first !== undefined && second ? (first / second).toFixed(2) : '–';
    return line + show(second).padStart(12) + ratio.padStart(12);
  };
  return [
    title,
    row(
      'requests',
      (o) => o.requestCount,
      (n) => `${n ?? 0}`,
    ),
    row(
      `good (within ${targetMs} ms) per s`,
      (o) => o.goodputRps,
      (n) => (n ?? 0).toFixed(1),
    ),
    row(
      'failed',
      (o) => o.failureCount / Math.max(1, o.requestCount),
      (n) => percent(n, 2),
    ),
    row('p50', (o) => o.p50Ms, latency),
    row('p99', (o) => o.p99Ms, latency),
  ];
}

function after(seconds: number | undefined, unit: string, never: string): string {
  return seconds === undefined ? never : `${seconds.toFixed(1)} ${unit}`;
}
