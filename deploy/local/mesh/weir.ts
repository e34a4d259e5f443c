/** Weir's own processes in a mesh: the controller and one agent per node, started and started again after a kill. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts } from '../apps/ports.ts';
import { lastLines } from '../envoy/process.ts';
import { buildRoot, packageRoot } from '../root.ts';
import { routesOf } from '../scenario/routes.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Child, Children } from './children.ts';

const READY_WITHIN_MS = 30_000;
const POLL_MS = 50;

export const wasmPath = join(packageRoot, 'filter', 'build', 'weir.wasm');

/** Who can be killed and restarted: `controller`, or the name of a node for its agent. */
export type WeirProcess = string;

export class Weir {
  readonly apiUrl: string;
  private readonly children: Children;
  private readonly scenario: Scenario;
  private readonly directory: string;
  private readonly controllerPort: number;
  private readonly agentPorts: ReadonlyMap<string, number>;
  private readonly controllerFile: string;
  private readonly running = new Map<WeirProcess, Child>();

  private constructor(
    children: Children,
    scenario: Scenario,
    directory: string,
    controllerFile: string,
    ports: readonly number[],
  ) {
    this.children = children;
    this.scenario = scenario;
    this.directory = directory;
    this.controllerFile = controllerFile;
    this.controllerPort = ports[0] ?? 0;
    this.apiUrl = `http://127.0.0.1:${this.controllerPort}`;
    this.agentPorts = new Map(scenario.nodes.map((node, i) => [node.name, ports[i + 1] ?? 0]));
  }

  /**
   * Starts the controller, then the agents, and resolves when all answer.
   * @param controllerFile another program with the same environment and API
   * @throws Error with the end of a log
   */
  static async start(
    children: Children,
    scenario: Scenario,
    directory: string,
    controllerFile = join(buildRoot, 'controller', 'main.js'),
  ): Promise<Weir> {
    if (!existsSync(wasmPath)) throw new Error(`the filter is not built: ${wasmPath} is missing, run npm run build`);
    const ports = await freePorts(scenario.nodes.length + 1);
    const weir = new Weir(children, scenario, directory, controllerFile, ports);
    writeFileSync(
      weir.routesPath(),
      routesOf(scenario)
        .map((route) => stringify(route))
        .join('---\n'),
    );
    await weir.restart('controller');
    await Promise.all(scenario.nodes.map((node) => weir.restart(node.name)));
    return weir;
  }

  agentPort(node: string): number {
    return this.agentPorts.get(node) ?? 0;
  }

  /** Log of the controller, one JSON object a line. */
  controllerLogPath(): string {
    return join(this.directory, 'controller.log');
  }

  async kill(who: WeirProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.running.get(who);
    this.running.delete(who);
    if (child) await this.children.kill(child, signal);
  }

  /** Starts it, or starts it again with the ports, the store and the log it had. */
  async restart(who: WeirProcess): Promise<void> {
    const isController = who === 'controller';
    const name = isController ? who : `agent@${who}`;
    const logPath = join(this.directory, `${name}.log`);
    const child = this.children.start(name, {
      command: process.execPath,
      args: ['--enable-source-maps', isController ? this.controllerFile : join(buildRoot, 'agent', 'main.js')],
      env: { ...withoutWeir(process.env), ...(isController ? this.controllerEnv() : this.agentEnv(who)) },
      logPath,
    });
    this.running.set(who, child);
    const port = isController ? this.controllerPort : this.agentPort(who);
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    while (!(await isHealthy(port))) {
      if (!child.isRunning() || performance.now() > deadlineMs) {
        throw new Error(`${name} did not become healthy; the end of ${logPath}:\n${lastLines(logPath)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private routesPath(): string {
    return join(this.directory, 'routes.yaml');
  }

  private controllerEnv(): Record<string, string> {
    return {
      WEIR_CONTROLLER_LISTEN: `127.0.0.1:${this.controllerPort}`,
      WEIR_CONTROLLER_ROUTES: this.routesPath(),
      WEIR_CONTROLLER_DB: join(this.directory, 'weir.db'),
    };
  }

  private agentEnv(node: string): Record<string, string> {
    return {
      WEIR_AGENT_LISTEN: `127.0.0.1:${this.agentPort(node)}`,
      WEIR_AGENT_CONTROLLER: `ws://127.0.0.1:${this.controllerPort}/v1/agents`,
      WEIR_AGENT_NODE: node,
      WEIR_AGENT_ZONE: this.scenario.nodes.find((candidate) => candidate.name === node)?.zone ?? '',
      WEIR_AGENT_STATE_DIR: join(this.directory, `agent@${node}`),
    };
  }
}

/** What the shell has set for a controller or agent of its own is not meant for those here. */
function withoutWeir(env: NodeJS.ProcessEnv): Record<string, undefined> {
  const names = Object.keys(env).filter((name) => /^WEIR_(CONTROLLER|AGENT)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
