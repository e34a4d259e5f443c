/** A real registry of images on loopback, which forgets what it had when it ends, and a real client of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import type { ApiServer } from './api-server.ts';
import { eventually } from './eventually.ts';

export class Registry {
  /** host:port */
  readonly address: string;
  private readonly cluster: ApiServer;

  private constructor(cluster: ApiServer, address: string) {
    this.cluster = cluster;
    this.address = address;
  }

  static async start(cluster: ApiServer): Promise<Registry> {
    const [port = 0] = await freePorts(1);
    const registry = new Registry(cluster, `127.0.0.1:${port}`);
    cluster.run('registry', cluster.programs.crane, ['registry', 'serve', `--address=${registry.address}`], {});
    await eventually('the registry to answer', async () => (await fetch(`http://${registry.address}/v2/`)).ok);
    return registry;
  }

  /** @param layout folder @param name with its tag @returns digest of what it is now called by */
  push(layout: string, name: string): string {
    return this.crane('push', layout, `${this.address}/${name}`).trim().split('@').at(-1) ?? '';
  }

  /** @returns what it printed @throws Error with what it complained of */
  crane(...args: readonly string[]): string {
    return execFileSync(this.cluster.programs.crane, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** What was asked of it, a line each. */
  log(): string {
    return readFileSync(join(this.cluster.folder, 'registry.log'), 'utf8');
  }
}
