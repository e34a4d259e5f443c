/**
 * Whether the machine was fit to measure on. Three things are looked at in each run: how late the load generator sent (over
 * 10 ms at the 99th percentile it measures itself), how busy the processors were in all (over 85 % the mesh waits for them),
 * and how much of that was not the benchmark (from Linux's /proc: all time used, stolen time included, less that of this process,
 * of those that descend from it, and of those that did and ended, which the system adds to who waited for them).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { doubts, type Trust } from '../../../deploy/local/show/trust.ts';

/** Half a core of two that somebody else takes moves a p99; a tenth is what a sleeping desktop takes. */
export const FOREIGN_RATIO = 0.1;
/** Linux counts processor time in hundredths of a second everywhere that Node runs. */
const TICK_MS = 10;
/** Fields of /proc/PID/stat after the name: own and waited-for children's, user and system time. */
const PARENT_FIELD = 1;
const TIME_FIELDS = [11, 12, 13, 14];

export interface MachineReading {
  readonly totalMs: number;
  readonly usedMs: number;
  readonly ownMs: number;
}

export interface MachineTrust extends Trust {
  /** Share of the machine's processor time that others took, 0 to 1; null where /proc does not say. */
  readonly foreignRatio: number | null;
}

/** Undefined where there is no /proc. */
export function readMachine(): MachineReading | undefined {
  try {
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] =
      readFileSync('/proc/stat', 'utf8')
        .split('\n')[0]
        ?.split(/\s+/)
        .slice(1)
        .map((ticks) => Number(ticks) * TICK_MS) ?? [];
    const usedMs = user + nice + system + irq + soft + steal;
    return { totalMs: usedMs + idle + wait, usedMs, ownMs: ownMs() };
  } catch {
    return undefined;
  }
}

function ownMs(): number {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(Number(name)) ?? []);
  const own = new Set([process.pid]);
  // Parents need not come before their children in the list: again until none is added.
  for (let before = 0; before < own.size; ) {
    before = own.size;
    for (const { pid, parent } of processes) if (own.has(parent)) own.add(pid);
  }
  return processes.reduce((sum, { pid, usedMs }) => sum + (own.has(pid) ? usedMs : 0), 0);
}

/** Undefined: it ended meanwhile. */
function processOf(pid: number): { pid: number; parent: number; usedMs: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const usedMs = TIME_FIELDS.reduce((sum, field) => sum + Number(fields[field] ?? 0) * TICK_MS, 0);
    return { pid, parent: Number(fields[PARENT_FIELD]), usedMs };
  } catch {
    return undefined;
  }
}

/** Share of processor time that went to others between two readings, 0 to 1. */
export function foreignRatio(from: MachineReading | undefined, to: MachineReading | undefined): number | null {
  if (!from || !to || to.totalMs <= from.totalMs) return null;
  const foreignMs = to.usedMs - from.usedMs - (to.ownMs - from.ownMs);
  return Math.max(0, foreignMs / (to.totalMs - from.totalMs));
}

/** Sentences; empty when the run is to be believed. */
export function machineDoubts(trust: MachineTrust, name: string): string[] {
  const { foreignRatio: foreign } = trust;
  return [
    ...doubts(trust, name),
    ...(foreign !== null && foreign > FOREIGN_RATIO
      ? [`other processes took ${Math.round(foreign * 100)} % of the machine in the ${name} run; leave it alone`]
      : []),
  ];
}
