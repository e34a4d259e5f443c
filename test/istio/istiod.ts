/**
 * A real istiod beside a real API server, for Envoys as they come from Envoy's own release: what only Istio's build of Envoy has is
 * switched off, as are certificates and webhooks.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import { lastLines } from '../../deploy/local/envoy/process.ts';
import type { Child } from '../../deploy/local/mesh/children.ts';
import type { ApiServer } from './api-server.ts';
import { eventually } from './eventually.ts';

/** What proxies know it by, and where configuration for the whole mesh lies. */
export const ROOT_NAMESPACE = 'istio-system';

const ENVIRONMENT = {
  PILOT_ENABLE_ALPN_FILTER: 'false',
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  ENABLE_CA_SERVER: 'false',
  PILOT_CERT_PROVIDER: 'none',
  VALIDATION_WEBHOOK_CONFIG_NAME: '',
  INJECTION_WEBHOOK_CONFIG_NAME: '',
};
const MESH = { enableAutoMtls: false, defaultProviders: {} };

export class Istiod {
  private readonly cluster: ApiServer;
  private readonly ports: Readonly<Record<'http' | 'grpc' | 'monitoring' | 'control', number>>;
  private process: Child | undefined;

  private constructor(cluster: ApiServer, ports: Istiod['ports']) {
    this.cluster = cluster;
    this.ports = ports;
  }

  /** Its definitions must be in the API server already. @throws Error with the end of its log */
  static async start(cluster: ApiServer): Promise<Istiod> {
    const [http = 0, grpc = 0, monitoring = 0, control = 0] = await freePorts(4);
    const istiod = new Istiod(cluster, { http, grpc, monitoring, control });
    writeFileSync(istiod.meshPath(), stringify(MESH));
    cluster.kubectl('create', 'namespace', ROOT_NAMESPACE);
    await istiod.serve();
    return istiod;
  }

  /** Starts it, also again. */
  async serve(): Promise<void> {
    const { cluster, ports } = this;
    const child = cluster.run(
      'istiod',
      cluster.programs['pilot-discovery'],
      [
        'discovery',
        `--kubeconfig=${join(cluster.folder, 'kubeconfig')}`,
        `--meshConfig=${this.meshPath()}`,
        `--namespace=${ROOT_NAMESPACE}`,
        `--httpAddr=127.0.0.1:${ports.http}`,
        `--grpcAddr=127.0.0.1:${ports.grpc}`,
        `--monitoringAddr=127.0.0.1:${ports.monitoring}`,
        ...['--httpsAddr=', '--secureGRPCAddr=', `--ctrlz_port=${ports.control}`],
      ],
      ENVIRONMENT,
    );
    this.process = child;
    await eventually('istiod to be ready', async () => {
      if (!child.isRunning()) throw new Error(lastLines(join(cluster.folder, 'istiod.log')));
      return (await fetch(`http://127.0.0.1:${ports.http}/ready`)).ok;
    });
  }

  /** Starts somebody who fetches modules for the Envoys that ask it in istiod's place, as in a pod of Istio. @returns its port */
  async relay(name: string): Promise<number> {
    const { cluster } = this;
    const [port = 0] = await freePorts(1);
    const folder = join(cluster.folder, `${name}-modules`);
    mkdirSync(folder);
    const flags = [`--listen=127.0.0.1:${port}`, `--istiod=127.0.0.1:${this.ports.grpc}`, `--folder=${folder}`];
    cluster.run(`${name}-relay`, cluster.programs['xds-relay'], flags, {});
    return port;
  }

  async kill(): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (process) await this.cluster.children.kill(process, 'SIGKILL');
  }

  /** Configurations of one type that it has sent to proxies so far. */
  async pushes(type: 'cds' | 'eds' | 'lds' | 'rds'): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.ports.monitoring}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith('pilot_xds_pushes{') && each.includes(`"${type}"`));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  private meshPath(): string {
    return join(this.cluster.folder, 'mesh.yaml');
  }
}
