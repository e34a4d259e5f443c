/**
 * Real Envoys for one suite: found as the demo finds them, started from the demo's bootstrap, which a test may change before
 * it is written. Everything lies in a folder of its own and ends with `close`, or with the test, whatever happens to it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapOf, type RoutedService } from '../../deploy/local/envoy/bootstrap.ts';
import { lastLines } from '../../deploy/local/envoy/process.ts';
import { type Child, Children } from '../../deploy/local/mesh/children.ts';
import { packageRoot } from '../../deploy/local/root.ts';
import { envoyPath } from './envoy.ts';
import { until } from './until.ts';

/** Read so that what a generator writes can be changed by a test without a type for all of Envoy. */
export type Json = Record<string, unknown>;

export interface ProxyOptions {
  readonly services: readonly RoutedService[];
  /** Absent: no filter. */
  readonly agentPort?: number;
  readonly configuration?: Readonly<Record<string, string | number>>;
  /** Worker threads; a filter VM lives on each and one more on the main thread. */
  readonly workers?: number;
  readonly wasmPath?: string;
  /** Changes the bootstrap before Envoy reads it. */
  readonly change?: (bootstrap: Json) => void;
}

export interface Proxy {
  /** Port of its listener. */
  readonly port: number;
  readonly child: Child;
  /** What Envoy's admin answers at a path. */
  admin(path: string): Promise<string>;
  /** Lines of its log that the filter wrote, warnings alone or all. */
  lines(level?: 'warning' | 'info'): string[];
}

/** Samples often, so that tests need not wait. */
const QUICK = { sample_interval_ms: 200, idle_interval_ms: 1000 };

export class Lab {
  readonly directory = mkdtempSync(join(tmpdir(), 'weir-envoy-'));
  readonly wasmPath = join(packageRoot, 'filter', 'build', 'weir.wasm');
  /** Children that ended though nobody asked them to. */
  readonly died: string[] = [];
  readonly children = new Children((child, how) => this.died.push(`${child.name}: ${how}`));
  private readonly binary: string;
  private started = 0;

  private constructor(binary: string) {
    this.binary = binary;
  }

  static async open(): Promise<Lab> {
    return new Lab(await envoyPath());
  }

  async proxy(options: ProxyOptions): Promise<Proxy> {
    const name = `envoy-${++this.started}`;
    const path = (ending: string) => join(this.directory, `${name}.${ending}`);
    writeFileSync(path('json'), JSON.stringify(this.bootstrap(options), null, 1));
    const flags = ['--concurrency', String(options.workers ?? 1), '--disable-hot-restart', '-l', 'warning'];
    const child = this.children.start(name, {
      command: this.binary,
      args: [
        ...['-c', path('json'), '--admin-address-path', path('admin')],
        ...flags,
        ...['--component-log-level', 'wasm:info'],
      ],
      logPath: path('log'),
    });
    const admin = async (url: string) => {
      const port = readFileSync(path('admin'), 'utf8').split(':').at(-1);
      const answer = await fetch(`http://127.0.0.1:${port}${url}`);
      return await answer.text();
    };
    const port = await this.readyPort(child, admin, path('log'));
    const lines = (level = 'info') =>
      readFileSync(path('log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('weir: ') && (level === 'info' || line.includes(`[${level}]`)));
    return { port, child, admin, lines };
  }

  /** The bootstrap of a proxy, as it is written for `proxy`. */
  bootstrap(options: ProxyOptions): Json {
    const { services, agentPort, configuration = QUICK, wasmPath = this.wasmPath } = options;
    const bootstrap = bootstrapOf({
      workload: 'cart',
      namespace: 'shop',
      node: 'node-1',
      zone: 'zone-a',
      listenerPort: 0,
      services,
      ...(agentPort === undefined ? {} : { filter: { wasmPath, agentPort, configuration } }),
    });
    options.change?.(bootstrap);
    return bootstrap;
  }

  async close(): Promise<void> {
    await this.children.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async readyPort(child: Child, admin: Proxy['admin'], logPath: string): Promise<number> {
    let port: number | undefined;
    let isAsking = false;
    const ask = async () => {
      isAsking = true;
      const isLive = (await admin('/ready').catch(() => '')).startsWith('LIVE');
      if (isLive) port = portOf(await admin('/listeners?format=json'));
      isAsking = false;
    };
    const isReady = () => {
      if (!child.isRunning()) throw new Error(`${child.name} ended:\n${lastLines(logPath)}`);
      if (!isAsking && port === undefined) void ask();
      return port !== undefined;
    };
    await until(`${child.name} to be ready; its log is ${logPath}`, isReady, 30_000);
    return port ?? 0;
  }
}

function portOf(listeners: string): number | undefined {
  const { listener_statuses: statuses } = JSON.parse(listeners) as {
    listener_statuses?: { local_address?: { socket_address?: { port_value?: number } } }[];
  };
  return statuses?.[0]?.local_address?.socket_address?.port_value;
}
