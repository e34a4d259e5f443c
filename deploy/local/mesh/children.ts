/**
 * Every process that a mesh starts, by pid. Each child leads a process group of its own, so that Ctrl-C in a terminal reaches
 * only the parent, which then stops them in order. A reaper, a shell of a few lines, holds a pipe from the parent and the
 * list of groups: when the parent dies in whatever way, SIGKILL included, the pipe closes and the reaper kills what is left.
 * A child becomes its program only when it is told to, which is after the reaper knows of it: a parent killed in between
 * leaves a shell that reads the end of its input and ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statSync, truncateSync } from 'node:fs';

// `+ PID` adds a group, `- PID` takes it off; at the end of its input it kills the rest. `kill -KILL -- -PID` would be an
// error in dash, which is /bin/sh on Debian: there only `-s KILL` may stand before `--`.
const REAPER = `trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -s KILL -- "-$pid" 2>/dev/null; done`;

const WAITER = 'read -r go && exec "$0" "$@" </dev/null';

/** After SIGTERM a child has this long before SIGKILL. */
const GRACE_MS = 1500;
/** A log that grows beyond this is begun anew: a mesh that complains all night must not fill the disk. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;
const LOOK_AT_LOGS_EVERY_MS = 10_000;

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** stdout and stderr are appended to it; beyond 64 MiB it begins anew. */
  readonly logPath: string;
  /** Whether messages go to and fro. */
  readonly hasChannel?: boolean;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Settles when it has ended; never rejects. */
  readonly ended: Promise<string>;
  readonly isRunning: () => boolean;
}

export class Children {
  private readonly running = new Map<number, Child>();
  private readonly expectedEnds = new Set<number>();
  private readonly onUnexpectedEnd: (child: Child, how: string) => void;
  private readonly logPaths = new Set<string>();
  private reaper: ChildProcess | undefined;
  private lookingAtLogs: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** @param onUnexpectedEnd told of a child that ended though nobody asked it to */
  constructor(onUnexpectedEnd: (child: Child, how: string) => void) {
    this.onUnexpectedEnd = onUnexpectedEnd;
  }

  /** One that cannot be run ends at once, with the reason in its log. @throws Error when all are being stopped */
  start(name: string, options: ChildOptions): Child {
    if (this.isStopped) throw new Error(`${name} is not started: everything is being stopped`);
    const log = openSync(options.logPath, 'a');
    const started = spawn('/bin/sh', ['-c', WAITER, options.command, ...options.args], {
      detached: true,
      env: { ...process.env, ...options.env },
      stdio: options.hasChannel ? ['pipe', log, log, 'ipc'] : ['pipe', log, log],
    });
    closeSync(log);
    this.watchLog(options.logPath);
    const pid = started.pid;
    if (pid === undefined) {
      started.once('error', () => {});
      throw new Error(`${name} could not be started: /bin/sh cannot be run`);
    }
    this.tellReaper('+', pid);
    // It may have ended already.
    started.stdin?.on('error', () => {});
    started.stdin?.end('go\n');
    const ended = new Promise<string>((resolve) => {
      started.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const child: Child = { name, pid, process: started, ended, isRunning: () => this.running.get(pid) === child };
    this.running.set(pid, child);
    ended.then((how) => {
      this.running.delete(pid);
      this.tellReaper('-', pid);
      if (!this.expectedEnds.delete(pid)) this.onUnexpectedEnd(child, how);
    });
    return child;
  }

  /** Kills one child, for good or as a fault that a test makes. */
  async kill(child: Child, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!child.isRunning()) return;
    this.expectedEnds.add(child.pid);
    signalGroup(child.pid, signal);
    await child.ended;
  }

  /** Ends every child: SIGTERM, then SIGKILL for whoever is left. Resolves when none is. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const children = [...this.running.values()];
    for (const child of children) {
      this.expectedEnds.add(child.pid);
      signalGroup(child.pid, 'SIGTERM');
    }
    const timer = setTimeout(() => {
      for (const child of this.running.values()) signalGroup(child.pid, 'SIGKILL');
    }, GRACE_MS);
    await Promise.all(children.map((child) => child.ended));
    clearTimeout(timer);
    clearInterval(this.lookingAtLogs);
    await this.dismissReaper();
  }

  pids(): readonly number[] {
    return [...this.running.keys()];
  }

  /** Those that run, in the order in which they were started. */
  all(): readonly Child[] {
    return [...this.running.values()];
  }

  private watchLog(path: string): void {
    this.logPaths.add(path);
    this.lookingAtLogs ??= setInterval(() => {
      for (const each of this.logPaths) {
        // Children write at the end of the file, wherever that is by then.
        if ((statSync(each, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) truncateSync(each);
      }
    }, LOOK_AT_LOGS_EVERY_MS).unref();
  }

  private async dismissReaper(): Promise<void> {
    const reaper = this.reaper;
    if (!reaper) return;
    this.reaper = undefined;
    reaper.ref();
    const ended = new Promise((resolve) => reaper.once('exit', resolve));
    reaper.stdin?.end();
    if (reaper.exitCode === null && reaper.signalCode === null) await ended;
  }

  private tellReaper(sign: '+' | '-', pid: number): void {
    if (!this.reaper) {
      if (sign === '-') return;
      this.reaper = spawn('/bin/sh', ['-c', REAPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
      this.reaper.unref();
      // It can only be gone because the machine is going down or someone killed it; the orderly stop does not need it.
      this.reaper.stdin?.on('error', () => {});
    }
    this.reaper.stdin?.write(`${sign} ${pid}\n`);
  }
}

function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself in between.
  }
}
