/** How busy this machine is, all processes together. */
import { cpus } from 'node:os';

export interface CpuTimes {
  readonly idleMs: number;
  readonly totalMs: number;
}

/** Time of all processors since the machine started. */
export function readCpu(): CpuTimes {
  let idleMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    idleMs += times.idle;
    totalMs += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idleMs, totalMs };
}

/** Share of processor time that was used between two readings, 0 to 1; undefined when none passed. */
export function busyRatio(from: CpuTimes, to: CpuTimes): number | undefined {
  const totalMs = to.totalMs - from.totalMs;
  return totalMs <= 0 ? undefined : 1 - (to.idleMs - from.idleMs) / totalMs;
}
