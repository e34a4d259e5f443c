/**
 * Agents and a controller as the chart has them, each with the environment, the account and the rights that it gives them. Nothing
 * runs pods here: processes of the test are what the pods would be.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import type { Child } from '../../deploy/local/mesh/children.ts';
import { buildRoot } from '../../deploy/local/root.ts';
import type { ApiServer } from './api-server.ts';
import { chartFolder, environmentOf, type Rendered, renderChart, SYSTEM_NAMESPACE } from './chart.ts';
import { eventually } from './eventually.ts';
import { istioDefinitions } from './programs.ts';

type Environment = Readonly<Record<string, string>>;

const ANSWER_WITHIN_MS = 10_000;

export class Weir {
  private readonly cluster: ApiServer;
  /** The chart's objects. */
  readonly rendered: readonly Rendered[];
  readonly controllerPort: number;
  private controller: Child | undefined;

  private constructor(cluster: ApiServer, rendered: readonly Rendered[], controllerPort: number) {
    this.cluster = cluster;
    this.rendered = rendered;
    this.controllerPort = controllerPort;
  }

  /** Brings the chart and the definitions it needs into the API server. Nothing runs yet. */
  static async install(cluster: ApiServer, values: object): Promise<Weir> {
    await cluster.define(istioDefinitions(), join(chartFolder, 'crds'));
    cluster.kubectl('create', 'namespace', SYSTEM_NAMESPACE);
    const rendered = renderChart(cluster, values, '--no-hooks');
    // A Service has no endpoint here, since Kubernetes allows none on loopback; a ServiceEntry of its name stands for it.
    cluster.apply(...rendered.filter(({ kind }) => kind !== 'Service'));
    const [port = 0] = await freePorts(1);
    return new Weir(cluster, rendered, port);
  }

  /** Starts the controller, also again, and resolves once it listens. */
  async startController(environment: Environment = {}): Promise<void> {
    const before = this.listenings();
    this.controller = this.runController('controller', environment);
    await eventually('the controller to listen', async () => this.listenings() > before);
  }

  /** Starts one of several. @param name of its pod, its store and its log */
  runController(name: string, environment: Environment): Child {
    return this.cluster.run(name, process.execPath, [join(buildRoot, 'controller', 'main.js')], {
      ...environmentOf(this.rendered, 'Deployment'),
      WEIR_CONTROLLER_LISTEN: `127.0.0.1:${this.controllerPort}`,
      WEIR_CONTROLLER_DB: join(this.cluster.folder, `${name}.db`),
      WEIR_CONTROLLER_FILTER_URL: this.url,
      KUBECONFIG: this.kubeConfigOf('weir-controller'),
      ...environment,
    });
  }

  async killController(): Promise<void> {
    if (this.controller) await this.cluster.children.kill(this.controller, 'SIGKILL');
  }

  /** @param name of its node and of its log @returns its port, once it answers */
  async startAgent(name: string, environment: Environment = {}): Promise<number> {
    const [port = 0] = await freePorts(1);
    const stateDir = join(this.cluster.folder, `${name}-state`);
    mkdirSync(stateDir);
    this.cluster.run(name, process.execPath, [join(buildRoot, 'agent', 'main.js')], {
      ...environmentOf(this.rendered, 'DaemonSet'),
      WEIR_AGENT_LISTEN: `127.0.0.1:${port}`,
      WEIR_AGENT_CONTROLLER: `ws://127.0.0.1:${this.controllerPort}/v1/agents`,
      WEIR_AGENT_NODE: name,
      WEIR_AGENT_STATE_DIR: stateDir,
      ...environment,
      WEIR_AGENT_TOKEN_FILE: environment.WEIR_AGENT_TOKEN_FILE ?? this.agentToken(name),
    });
    await healthy(name, port);
    return port;
  }

  private agentToken(name: string): string {
    return this.tokenFile(`${name}.token`, this.token('weir-agent', '--audience', 'weir'));
  }

  /** A token of an account of the chart's, as a pod of it would have it. */
  token(account: string, ...more: readonly string[]): string {
    return this.cluster.kubectl('create', 'token', account, '--namespace', SYSTEM_NAMESPACE, ...more).trim();
  }

  /** A token of somebody to whom the chart's role for operators was given. */
  operatorToken(): string {
    const { cluster } = this;
    cluster.kubectl('create', 'serviceaccount', 'operator', '--namespace', SYSTEM_NAMESPACE);
    const account = `--serviceaccount=${SYSTEM_NAMESPACE}:operator`;
    cluster.kubectl('create', 'clusterrolebinding', 'operator', '--clusterrole=weir-system-weir-operator', account);
    return this.token('operator', '--audience', 'weir');
  }

  /** @returns the path of a file that holds it */
  tokenFile(name: string, token: string): string {
    const path = join(this.cluster.folder, name);
    writeFileSync(path, token, { mode: 0o600 });
    return path;
  }

  /** What the controller's API answers. Given up after a while: fetch of Node 20 can wait for ever where a connection is closed early. */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), ...init });
  }

  /** How often a controller has said in the log that it listens. */
  private listenings(): number {
    const path = join(this.cluster.folder, 'controller.log');
    return existsSync(path) ? (readFileSync(path, 'utf8').match(/"event":"listening"/g) ?? []).length : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.controllerPort}`;
  }

  /** A kubeconfig of an account of the chart's. @returns its path */
  kubeConfigOf(account: string): string {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'test', server: this.cluster.url, skipTLSVerify: true }],
      users: [{ name: account, token: this.token(account) }],
      contexts: [{ name: 'test', cluster: 'test', user: account }],
      currentContext: 'test',
    });
    return this.tokenFile(`${account}.kubeconfig`, config.exportConfig());
  }
}

async function healthy(what: string, port: number): Promise<void> {
  await eventually(`${what} to be healthy`, async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
}
