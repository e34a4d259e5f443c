/**
 * Resident memory of every process of the mesh over time, and whether it is flat. After warm-up, which is the first third and
 * at least a minute, a line is laid through the samples by Theil and Sen: the median of the slopes of all pairs, which a
 * few samples beside a garbage collection do not move. Its rise over that time may be 5 % of the median or 8 MiB,
 * whichever is more. Envoys, agents and the controller are judged; apps and the load generator stand in for a world.
 */
import { readFileSync } from 'node:fs';

export const LIMIT_RATIO = 0.05;
export const LIMIT_BYTES = 8 * 1024 * 1024;
/** In one run of three V8 gave memory back until minute 11, and had its young generation at full size by minute 17. */
const WARM_PART = 1 / 2;
const LEAST_WARM_S = 60;
const LEAST_SAMPLES = 3;

export type ProcessKind = 'controller' | 'agent' | 'envoy' | 'other';

export interface Sample {
  readonly atS: number;
  readonly bytes: number;
}

export interface Growth {
  readonly name: string;
  readonly kind: ProcessKind;
  readonly pid: number;
  /** Of the samples after warm-up. */
  readonly medianBytes: number;
  readonly mostBytes: number;
  /** Slope times length of the time after warm-up; negative: it shrank. */
  readonly growthBytes: number;
  readonly limitBytes: number;
  readonly sampleCount: number;
}

export class MemoryLog {
  private readonly series = new Map<string, { readonly pid: number; readonly samples: Sample[] }>();

  /** One sample of each; of a process that has ended, none. */
  take(atS: number, processes: readonly { readonly name: string; readonly pid: number }[]): void {
    for (const { name, pid } of processes) {
      const bytes = residentBytes(pid);
      if (bytes === undefined) continue;
      const known = this.series.get(name);
      // Another process under an old name was started again: its memory begins anew.
      const samples = known?.pid === pid ? known.samples : [];
      samples.push({ atS, bytes });
      this.series.set(name, { pid, samples });
    }
  }

  growths(durationS: number): Growth[] {
    return [...this.series].map(([name, { pid, samples }]) => ({
      name,
      pid,
      kind: kindOf(name),
      ...growthOf(samples, warmS(durationS)),
    }));
  }

  samples(): Readonly<Record<string, readonly Sample[]>> {
    return Object.fromEntries([...this.series].map(([name, { samples }]) => [name, samples]));
  }

  /** Newest sample of all processes of a kind together, and how many they are. */
  latest(kind: ProcessKind): { readonly count: number; readonly bytes: number } {
    const newest = [...this.series].filter(([name]) => kindOf(name) === kind).map(([, { samples }]) => samples.at(-1));
    return { count: newest.length, bytes: newest.reduce((sum, sample) => sum + (sample?.bytes ?? 0), 0) };
  }
}

/** Seconds from second 0 that are not judged. */
export function warmS(durationS: number): number {
  return Math.max(LEAST_WARM_S, durationS * WARM_PART);
}

export function kindOf(name: string): ProcessKind {
  if (name === 'controller') return 'controller';
  if (name.startsWith('agent@')) return 'agent';
  return name === 'load' || name.startsWith('apps@') ? 'other' : 'envoy';
}

export function growthOf(
  samples: readonly Sample[],
  fromS: number,
): Pick<Growth, 'medianBytes' | 'mostBytes' | 'growthBytes' | 'limitBytes' | 'sampleCount'> {
  const judged = samples.filter(({ atS }) => atS >= fromS);
  const medianBytes = median(judged.map(({ bytes }) => bytes));
  const lengthS = (judged.at(-1)?.atS ?? 0) - (judged[0]?.atS ?? 0);
  return {
    medianBytes,
    mostBytes: Math.max(0, ...judged.map(({ bytes }) => bytes)),
    growthBytes: judged.length < LEAST_SAMPLES ? 0 : median(slopesOf(judged)) * lengthS,
    limitBytes: Math.max(LIMIT_BYTES, LIMIT_RATIO * medianBytes),
    sampleCount: judged.length,
  };
}

/** Sentences; empty when every process of Weir and every Envoy was flat. */
export function growthProblems(growths: readonly Growth[]): string[] {
  return growths
    .filter(({ kind }) => kind !== 'other')
    .flatMap(({ name, growthBytes, limitBytes, medianBytes, sampleCount }) => {
      if (sampleCount < LEAST_SAMPLES) return [`${name} has ${sampleCount} samples after warm-up, too few to judge`];
      if (growthBytes < limitBytes) return [];
      return [
        `${name} grew by ${megabytes(growthBytes)} after warm-up, from about ${megabytes(medianBytes)}; it may by ${megabytes(limitBytes)}`,
      ];
    });
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function slopesOf(samples: readonly Sample[]): number[] {
  return samples.flatMap((from, i) =>
    samples.slice(i + 1).flatMap((to) => (to.atS > from.atS ? [(to.bytes - from.bytes) / (to.atS - from.atS)] : [])),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

function residentBytes(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]);
    return kibibytes > 0 ? kibibytes * 1024 : undefined;
  } catch {
    return undefined;
  }
}
