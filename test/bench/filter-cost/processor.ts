/** Processor time of one process, from Linux's /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Linux counts in hundredths of a second in /proc/PID/stat. */
const TICK_US = 10_000;

/**
 * Time on a processor in µs, of all threads that live. From schedstat, which counts the same time as utime + stime of
 * /proc/PID/stat in ns and not in 10 ms; where the kernel keeps none, from there.
 */
export function processorUs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const ns = threads.reduce((sum, thread) => sum + firstNumber(`/proc/${pid}/task/${thread}/schedstat`), 0);
    return ns / 1_000;
  } catch {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }
}

/** The machine in words. */
export function describeMachine(): string {
  const all = cpus();
  return `${all.length} cores, ${all[0]?.model.trim() || 'unknown processor'}`;
}

function firstNumber(path: string): number {
  const number = Number(readFileSync(path, 'utf8').split(' ')[0]);
  if (!Number.isFinite(number)) throw new Error(`${path} does not begin with a number`);
  return number;
}
