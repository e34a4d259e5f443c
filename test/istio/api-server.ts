/**
 * A real Kubernetes API server on loopback, with an etcd of its own, for one suite. It is asked, and it keeps; with `hasControllers`
 * Kubernetes' own controllers act on it. A folder holds all of it; what it said is in `*.log` there.
 */
import { execFile, execFileSync, type StdioOptions } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Health, KubeConfig } from '@kubernetes/client-node';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import { type Child, Children } from '../../deploy/local/mesh/children.ts';
import { controllerManagerArgs } from './controllers.ts';
import { eventually } from './eventually.ts';
import { findPrograms, type Program } from './programs.ts';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const TOKEN = 'admin-of-the-test';

export interface ApiServerOptions {
  /** Whether Kubernetes' controllers run, and pods get the token of their account. */
  readonly hasControllers: boolean;
}

export class ApiServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'weir-istio-'));
  /** Of an administrator. */
  readonly kubeConfig = new KubeConfig();
  readonly programs: Readonly<Record<Program, string>>;
  readonly children = new Children((child, how) => {
    process.stderr.write(`${child.name} ended by itself (${how}); see ${this.folder}\n`);
  });
  private readonly ports: { readonly etcd: number; readonly peer: number; readonly api: number };
  private readonly options: ApiServerOptions;
  private server: Child | undefined;

  private constructor(
    programs: Readonly<Record<Program, string>>,
    ports: ApiServer['ports'],
    options: ApiServerOptions,
  ) {
    this.programs = programs;
    this.ports = ports;
    this.options = options;
  }

  static async start(options: ApiServerOptions = { hasControllers: false }): Promise<ApiServer> {
    const programs = await findPrograms((line) => process.stderr.write(`${line}\n`));
    const [etcd = 0, peer = 0, api = 0] = await freePorts(3);
    const cluster = new ApiServer(programs, { etcd, peer, api }, options);
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
    const { env } = this;
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
    return execFileSync(this.programs.kubectl, args, { encoding: 'utf8', env, stdio, maxBuffer: MAX_OUTPUT_BYTES });
  }

  /** The same, for what waits until this process has done something. */
  async kubectlMeanwhile(...args: readonly string[]): Promise<string> {
    return this.runMeanwhile('kubectl', args);
  }

  /** `helm` as the administrator, likewise. @returns what it printed @throws Error with what it complained of */
  async helm(...args: readonly string[]): Promise<string> {
    return this.runMeanwhile('helm', args);
  }

  private async runMeanwhile(program: 'helm' | 'kubectl', args: readonly string[]): Promise<string> {
    const { env } = this;
    return (await promisify(execFile)(this.programs[program], args, { env, maxBuffer: MAX_OUTPUT_BYTES })).stdout;
  }

  private get env(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeConfigPath, HELM_CACHE_HOME: this.folder };
  }

  /** Brings custom resource definitions in. Returns once objects of every one can be had: being established is not enough. */
  async define(...files: readonly string[]): Promise<void> {
    for (const file of files) this.kubectl('apply', '--server-side', '-f', file);
    // kubectl gives up at once on one that has no conditions yet.
    await eventually('the definitions to be established', async () => {
      this.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
      return true;
    });
    const kinds = this.kubectl('get', 'crd', '-o', 'jsonpath={.items[*].metadata.name}').split(' ').join(',');
    await eventually('the definitions to be served', async () => {
      this.kubectl('get', kinds, '--all-namespaces');
      return true;
    });
  }

  /** Applies objects as the administrator. @throws Error with what the server complained of */
  apply(...objects: readonly object[]): void {
    const path = join(this.folder, 'objects.json');
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    this.kubectl('apply', '--server-side', '--validate=strict', '-f', path);
  }

  /** Another process that ends with the cluster; what it says is in its log in the folder, and it finds the kubeconfig. */
  run(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
    const logPath = join(this.folder, `${name}.log`);
    return this.children.start(name, {
      command,
      args,
      logPath,
      env: { KUBECONFIG: this.kubeConfigPath, ...env },
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
        `--cert-dir=${this.certificates}`,
        `--token-auth-file=${join(folder, 'tokens.csv')}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${key}`,
        `--service-account-signing-key-file=${key}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        // It refuses a pod until a controller has made what the pod's token needs.
        ...(this.options.hasControllers ? [] : ['--disable-admission-plugins=ServiceAccount']),
      ],
      logPath: join(folder, 'kube-apiserver.log'),
    });
    const health = new Health(this.kubeConfig);
    await eventually(`the API server to be ready; see ${folder}`, () => health.readyz({}));
  }

  async close(): Promise<void> {
    await this.children.stop();
    rmSync(this.folder, { recursive: true, force: true });
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
    writeFileSync(this.kubeConfigPath, this.kubeConfig.exportConfig(), { mode: 0o600 });
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
    if (!this.options.hasControllers) return;
    this.children.start('kube-controller-manager', {
      command: this.programs['kube-controller-manager'],
      args: controllerManagerArgs(this.kubeConfigPath, join(this.certificates, 'apiserver.crt')),
      logPath: join(folder, 'kube-controller-manager.log'),
    });
  }

  private get kubeConfigPath(): string {
    return join(this.folder, 'kubeconfig');
  }

  private get certificates(): string {
    return join(this.folder, 'certificates');
  }
}
