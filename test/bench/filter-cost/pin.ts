/**
 * Cores of their own for Envoy and for the load, where there are two and util-linux' taskset: else the system moves both about,
 * and what a move costs is noise of the size of what is measured.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cores {
  readonly envoy: number;
  readonly load: number;
}

/** Two cores that this process may use; undefined where there are none, or no taskset. */
export function findCores(): Cores | undefined {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    const [envoy, load] = coresOf(list);
    if (envoy === undefined || load === undefined) return undefined;
    return spawnSync('taskset', ['--version']).status === 0 ? { envoy, load } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a process, all its threads, on one core. @throws Error when taskset cannot */
export function pin(pid: number, core: number): void {
  const { status, stderr } = spawnSync('taskset', ['-apc', String(core), String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`process ${pid} could not be kept on core ${core}: ${stderr.trim()}`);
}

/** The first and the last of a list as Linux writes it: `0-3,8`. Pure. */
export function coresOf(list: string): number[] {
  const all = list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: Math.max(0, last - first + 1) || 0 }, (_, i) => first + i);
  });
  const [lowest] = all;
  const highest = all.at(-1);
  return lowest === undefined || highest === undefined || lowest === highest ? [] : [lowest, highest];
}
