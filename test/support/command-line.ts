/** What the benchmarks' and the soak's commands have in common: their lines, their whole numbers, and how they end. */

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The value of an option. @throws Error with one sentence */
export function integer(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${option} is ${text}; it must be an integer from ${least} to ${most}`);
}

/** Exit code of a command that was stopped. */
export const EXIT_INTERRUPTED = 130;

/** Aborts when the process is told to stop; `reason` as for AbortController. */
export function stoppedBySignal(reason?: Error): AbortController {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stopping.abort(reason));
  return stopping;
}

/** Runs a command on the arguments of this process and exits with its code; what it throws is a sentence and exit code 1. */
export function runCommand(main: (args: readonly string[]) => Promise<number>): void {
  main(process.argv.slice(2))
    .then((code) => {
      process.exitCode = code;
    })
    .catch((error: unknown) => {
      process.stderr.write(`${(error as Error).message}\n`);
      process.exitCode = 1;
    });
}
