/**
 * A real Kubernetes API server on loopback, with an etcd of its own, for one suite. Nobody schedules or runs pods: it is asked,
 * and it keeps. A folder holds all of it; what it said is in `*.log` there.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Health, KubeConfig } from '@kubernetes/client-node';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import { type Child, Children } from '../../deploy/local/mesh/children.ts';
import { findPrograms, type Program } from './programs.ts';

const TOKEN = 'admin-of-the-test';
const READY_WITHIN_MS = 60_000;
const POLL_MS = 100;

export class ApiServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-istio-'));
  /** Of an administrator. */
  readonly kubeConfig = new KubeConfig();
  private readonly programs: Readonly<Record<Program, string>>;
  private readonly children = new Children((child, how) => {
    process.stderr.write(`${child.name} ended by itself (${how}); see ${this.folder}\n`);
  });
  private readonly ports: { readonly etcd: number; readonly peer: number; readonly api: number };
  private server: Child | undefined;

  private constructor(programs: Readonly<Record<Program, string>>, ports: ApiServer['ports']) {
    this.programs = programs;
    this.ports = ports;
  }

  static async start(): Promise<ApiServer> {
    const programs = await findPrograms((line) => process.stderr.write(`${line}\n`));
    const [etcd = 0, peer = 0, api = 0] = await freePorts(3);
    const cluster = new ApiServer(programs, { etcd, peer, api });
    try {
      await cluster.open();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  get url(): string {
    return `https://127.0.0.1:${this.ports.api}`;
  }

  /** `kubectl` as the administrator. @returns what it printed @throws Error with what it complained of */
  kubectl(...args: readonly string[]): string {
    const env = { ...process.env, KUBECONFIG: join(this.folder, 'kubeconfig') };
    return execFileSync('kubectl', args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Another process that ends with the cluster; what it says is in its log in the folder, and it finds the kubeconfig. */
  run(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
    const logPath = join(this.folder, `${name}.log`);
    return this.children.start(name, {
      command,
      args,
      logPath,
      env: { KUBECONFIG: join(this.folder, 'kubeconfig'), ...env },
    });
  }

  /** Ends the API server alone, at once; etcd keeps what it had. */
  async kill(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    await this.children.kill(server, 'SIGKILL');
  }

  /** Starts the API server, also again. Returns once it is ready. */
  async serve(): Promise<void> {
    const { ports, folder } = this;
    const key = join(folder, 'accounts.key');
    this.server = this.children.start('kube-apiserver', {
      command: this.programs['kube-apiserver'],
      args: [
        `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        `--secure-port=${ports.api}`,
        `--cert-dir=${join(folder, 'certificates')}`,
        `--token-auth-file=${join(folder, 'tokens.csv')}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        '--disable-admission-plugins=ServiceAccount',
      ],
      logPath: join(folder, 'kube-apiserver.log'),
    });
    await this.ready();
  }

  async close(): Promise<void> {
    await this.children.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async ready(): Promise<void> {
    const health = new Health(this.kubeConfig);
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    while (!(await health.readyz({}).catch(() => false))) {
      if (performance.now() > deadlineMs) {
        throw new Error(`the API server was not ready within ${READY_WITHIN_MS / 1000} s; see ${this.folder}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private async open(): Promise<void> {
    const { folder, ports, url } = this;
    writeFileSync(join(folder, 'tokens.csv'), `${TOKEN},admin,admin,system:masters\n`, { mode: 0o600 });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(folder, 'accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    this.kubeConfig.loadFromOptions({
      clusters: [{ name: 'test', server: url, skipTLSVerify: true }],
      users: [{ name: 'admin', token: TOKEN }],
      contexts: [{ name: 'test', cluster: 'test', user: 'admin' }],
      currentContext: 'test',
    });
    writeFileSync(join(folder, 'kubeconfig'), this.kubeConfig.exportConfig(), { mode: 0o600 });
    const client = `http://127.0.0.1:${ports.etcd}`;
    const peer = `http://127.0.0.1:${ports.peer}`;
    this.children.start('etcd', {
      command: this.programs.etcd,
      args: [
        ...['--name', 'test', '--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `test=${peer}`],
      ],
      logPath: join(folder, 'etcd.log'),
    });
    await this.serve();
  }
}
