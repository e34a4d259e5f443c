/** A real process at whose door a fuzzer stands: started, looked at from outside (health, metrics, memory), ended by its pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildRoot } from '../../deploy/local/root.ts';

const KIB = 1_024;
const MOST_OUTPUT_CHARACTERS = 200_000;

export interface ProcessOptions {
  /** Path of its main file within the build. */
  readonly main: string;
  /** @param folder of its own, which goes with it */
  readonly env: (folder: string) => Readonly<Record<string, string>>;
  /** Reads its port from a line of its log; undefined: this line does not say. */
  readonly portIn: (line: Readonly<Record<string, unknown>>) => number | undefined;
}

export class Process {
  port = 0;
  private output = '';
  private readonly child: ChildProcess;
  private readonly folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.child = child;
    this.folder = folder;
    child.stderr?.on('data', (chunk) => this.keep(String(chunk)));
  }

  static async start({ main, env, portIn }: ProcessOptions): Promise<Process> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-fuzz-'));
    const child = spawn(process.execPath, ['--enable-source-maps', join(buildRoot, main)], {
      env: { PATH: process.env.PATH ?? '', HOME: folder, ...env(folder) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const started = new Process(child, folder);
    started.port = await new Promise<number>((resolve, reject) => {
      child.once('close', () => reject(new Error(`it ended before it listened:\n${started.lastOutput}`)));
      child.stdout?.on('data', (chunk) => {
        started.keep(String(chunk));
        if (started.port > 0) return;
        for (const line of started.output.split('\n').slice(0, -1)) {
          const port = portIn(JSON.parse(line) as Record<string, unknown>);
          if (port !== undefined) resolve(port);
        }
      });
    });
    return started;
  }

  get lastOutput(): string {
    return this.output.slice(-2_000);
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Memory that is in use now, as the kernel counts it. */
  rssBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * KIB;
  }

  /** @throws when it is not well */
  async checkHealth(): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.port}/healthz`).catch((cause) => {
      throw new Error(`/healthz does not answer; last words:\n${this.lastOutput}`, { cause });
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`/healthz says ${response.status}: ${text}`);
  }

  /** Every number of its /metrics, by name and labels as they stand there. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const cut = line.lastIndexOf(' ');
        return [line.slice(0, cut), Number(line.slice(cut + 1))] as const;
      }),
    );
  }

  async end(): Promise<void> {
    if (this.isAlive) {
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private keep(text: string): void {
    this.output = `${this.output}${text}`.slice(-MOST_OUTPUT_CHARACTERS);
  }
}

/** Sum of a counter over its labels. */
export function sumOf(metrics: ReadonlyMap<string, number>, name: string): number {
  let sum = 0;
  for (const [key, value] of metrics) if (key === name || key.startsWith(`${name}{`)) sum += value;
  return sum;
}

/**
 * @param warmBytes after the first part of the frames, when code is compiled and buffers have their size
 * @param spareBytes how much more is still flat
 * @throws when it grew by more
 */
export function checkFlat(warmBytes: number, endBytes: number, spareBytes: number): void {
  if (endBytes <= warmBytes + spareBytes) return;
  const mib = (bytes: number) => `${(bytes / KIB / KIB).toFixed(0)} MiB`;
  throw new Error(`memory grew from ${mib(warmBytes)} to ${mib(endBytes)}, allowed are ${mib(spareBytes)} more`);
}
