/** The real controller and the real agent, one of each, as processes of a lab: for suites in which nothing of Weir is a stand-in. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { clusterOf, type RoutedService } from '../../deploy/local/envoy/bootstrap.ts';
import { lastLines } from '../../deploy/local/envoy/process.ts';
import { buildRoot } from '../../deploy/local/root.ts';
import type { Lab } from './lab.ts';
import { closedPort } from './origin.ts';
import type { Weights } from './shop.ts';

const READY_WITHIN_MS = 30_000;
const POLL_MS = 50;

export class RealWeir {
  readonly agentPort: number;
  private readonly lab: Lab;
  private readonly controllerPort: number;
  private readonly service: RoutedService;

  private constructor(lab: Lab, service: RoutedService, controllerPort: number, agentPort: number) {
    this.lab = lab;
    this.service = service;
    this.controllerPort = controllerPort;
    this.agentPort = agentPort;
  }

  /** Resolves when both answer. They steer this one service. @throws Error with the end of a log */
  static async start(lab: Lab, service: RoutedService): Promise<RealWeir> {
    const weir = new RealWeir(lab, service, await closedPort(), await closedPort());
    const path = (name: string) => join(lab.directory, name);
    mkdirSync(path('agent-state'), { recursive: true });
    writeFileSync(path('routes.yaml'), stringify(routeOf(service)));
    await weir.run('controller', weir.controllerPort, {
      WEIR_CONTROLLER_LISTEN: `127.0.0.1:${weir.controllerPort}`,
      WEIR_CONTROLLER_ROUTES: path('routes.yaml'),
      WEIR_CONTROLLER_DB: path('weir.db'),
    });
    await weir.run('agent', weir.agentPort, {
      WEIR_AGENT_LISTEN: `127.0.0.1:${weir.agentPort}`,
      WEIR_AGENT_CONTROLLER: `ws://127.0.0.1:${weir.controllerPort}/v1/agents`,
      WEIR_AGENT_NODE: 'node-1',
      WEIR_AGENT_STATE_DIR: path('agent-state'),
    });
    return weir;
  }

  /** Weights that hold whatever happens. @throws Error when the controller refuses */
  async pin(weights: Weights): Promise<void> {
    const { host, port } = this.service;
    const body = JSON.stringify({ service: `${host}:${port}`, weights, by: 'test', why: 'to see who steers' });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${this.controllerPort}/v1/pin`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`the controller refused a pin: ${await answer.text()}`);
  }

  /** Proxies that the controller's log names in events of this name, oldest first. */
  said(event: string): string[] {
    return readFileSync(this.logPath('controller'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as { event?: string; nodeId?: string })
      .flatMap((line) => (line.event === event ? [line.nodeId ?? ''] : []));
  }

  private logPath(name: string): string {
    return join(this.lab.directory, `${name}.log`);
  }

  private async run(room: 'controller' | 'agent', port: number, env: Record<string, string>): Promise<void> {
    const logPath = this.logPath(room);
    const args = [join(buildRoot, room, 'main.js')];
    const child = this.lab.children.start(room, { command: process.execPath, args, env, logPath });
    const deadlineMs = performance.now() + READY_WITHIN_MS;
    while (!(await isHealthy(port))) {
      if (!child.isRunning() || performance.now() > deadlineMs) {
        throw new Error(`the ${room} did not become healthy:\n${lastLines(logPath)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
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

function routeOf(service: RoutedService) {
  const backends = service.backends.map(({ name }) => ({ name, cluster: clusterOf(service, name) }));
  return {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: service.host, namespace: 'shop' },
    spec: { host: service.host, port: service.port, backends },
  };
}
