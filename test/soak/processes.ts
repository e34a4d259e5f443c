/**
 * Processes of a mesh that outlive it. Children inherit the environment, so a mark in it finds them all, also those that the
 * mesh itself does not list, wherever they were handed to.
 */
import { readdirSync, readFileSync } from 'node:fs';

const NAME = 'WEIR_SOAK_MARK';

/** Everything that this process starts from now on has the mark in its environment. */
export function markChildren(mark: string): void {
  process.env[NAME] = mark;
}

/** Those that run and have the mark, as `PID command`; never this process. */
export function markedProcesses(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const isMarked = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${NAME}=${mark}`);
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return isMarked ? [`${pid} ${command}`] : [];
      } catch {
        // It ended in between, or is another user's.
        return [];
      }
    });
}
