/** A real Envoy as a child: started from a bootstrap, ready when its admin says so, its listener's port read from there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child, Children } from '../mesh/children.ts';
import { bootstrapOf, type Sidecar } from './bootstrap.ts';

/** Long: two dozen that start at once on two cores take half a minute. */
const READY_WITHIN_MS = 90_000;
const POLL_MS = 50;

export interface RunningEnvoy {
  readonly child: Child;
  /** Port of its listener on 127.0.0.1. */
  readonly listenerPort: number;
  readonly adminPort: number;
}

/**
 * @param name unique within `directory`, where NAME.json (bootstrap) and NAME.log go
 * @throws Error when it ends or is not ready in time; the message carries the last lines of its log
 */
export async function startEnvoy(
  children: Children,
  binary: string,
  directory: string,
  name: string,
  sidecar: Sidecar,
): Promise<RunningEnvoy> {
  const { child, adminPort } = await launchEnvoy(children, binary, directory, name, bootstrapOf(sidecar));
  return { child, adminPort, listenerPort: await readListenerPort(adminPort) };
}

/** The same from any bootstrap; its listeners may come later. */
export async function launchEnvoy(
  children: Children,
  binary: string,
  directory: string,
  name: string,
  bootstrap: Readonly<Record<string, unknown>>,
): Promise<Omit<RunningEnvoy, 'listenerPort'>> {
  const configPath = join(directory, `${name}.json`);
  const logPath = join(directory, `${name}.log`);
  const addressPath = join(directory, `${name}.admin`);
  writeFileSync(configPath, JSON.stringify(bootstrap, null, 1));
  const child = children.start(name, {
    command: binary,
    // Without hot restart Envoy leaves no shared memory behind, and any number of them run side by side.
    args: [
      '-c',
      configPath,
      '--admin-address-path',
      addressPath,
      '--concurrency',
      '1',
      '--disable-hot-restart',
      '-l',
      'warning',
      '--component-log-level',
      'wasm:info',
    ],
    logPath,
  });
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const adminPort = readAdminPort(addressPath);
    if (adminPort !== undefined && (await isReady(adminPort))) {
      return { child, adminPort };
    }
    if (!child.isRunning() || performance.now() > deadlineMs) {
      throw new Error(`Envoy ${name} did not become ready; the end of ${logPath}:\n${lastLines(logPath)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function readAdminPort(path: string): number | undefined {
  try {
    const port = Number(readFileSync(path, 'utf8').split(':').at(-1));
    return port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

async function isReady(adminPort: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/ready`);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

async function readListenerPort(adminPort: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/listeners?format=json`);
  const body = (await answer.json()) as {
    listener_statuses?: { local_address?: { socket_address?: { port_value?: number } } }[];
  };
  const port = body.listener_statuses?.[0]?.local_address?.socket_address?.port_value;
  if (port === undefined) throw new Error(`Envoy at admin port ${adminPort} has no listener`);
  return port;
}

/** The end of a log, for messages. */
export function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  } catch {
    return '(no log)';
  }
}
