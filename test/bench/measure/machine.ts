/**
 * Whether the machine was fit to measure on. Three things are looked at in each run: how late the load generator sent (over
 * 10 ms at the 99th percentile it measures itself), how busy the processors were in all (over 85 % the mesh waits for them),
 * and how much of that was not the mesh (from Linux's /proc: all time used, stolen time included, less that of our processes).
 */
import { readFileSync } from 'node:fs';
import { doubts, type Trust } from '../../../deploy/local/show/trust.ts';

/** Half a core of two that somebody else takes moves a p99; a tenth is what a sleeping desktop takes. */
export const FOREIGN_RATIO = 0.1;
/** Linux counts processor time in hundredths of a second everywhere that Node runs. */
const TICK_MS = 10;
/** Fields of /proc/PID/stat after the name: own and waited-for children's, user and system time. */
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

/** @param pids of the mesh; this process is added. Undefined where there is no /proc */
export function readMachine(pids: readonly number[]): MachineReading | undefined {
  try {
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] =
      readFileSync('/proc/stat', 'utf8')
        .split('\n')[0]
        ?.split(/\s+/)
        .slice(1)
        .map((ticks) => Number(ticks) * TICK_MS) ?? [];
    const usedMs = user + nice + system + irq + soft + steal;
    const ownMs = [process.pid, ...pids].reduce((sum, pid) => sum + processorMs(pid), 0);
    return { totalMs: usedMs + idle + wait, usedMs, ownMs };
  } catch {
    return undefined;
  }
}

function processorMs(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return TIME_FIELDS.reduce((sum, field) => sum + Number(fields[field] ?? 0) * TICK_MS, 0);
  } catch {
    return 0;
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
