/** The mesh of this benchmark: istiod, a controller and an agent as the chart has them, so many proxies, two services of two backends. */
import { freePorts } from '../../../deploy/local/apps/ports.ts';
import { ApiServer } from '../../istio/api-server.ts';
import { SYSTEM_NAMESPACE } from '../../istio/chart.ts';
import { eventually } from '../../istio/eventually.ts';
import { Istiod } from '../../istio/istiod.ts';
import { Sidecar, sidecarObject } from '../../istio/sidecar.ts';
import { Weir } from '../../istio/weir.ts';
import { Origins } from '../propagation/origins.ts';
import { BACKENDS } from '../propagation/plan.ts';

export const NAMESPACE = 'shop';
export const PORT = 8080;
const AGENT_PORT = 15_990;
const FIRST_OCTET = 2;

export const hostOf = (service: string): string => `${service}.${NAMESPACE}.svc.cluster.local`;

export class Mesh {
  readonly cluster: ApiServer;
  readonly weir: Weir;
  readonly proxies: Sidecar[] = [];
  private readonly origins: Origins;
  private readonly xdsPort: number;

  private constructor(cluster: ApiServer, weir: Weir, origins: Origins, xdsPort: number) {
    this.cluster = cluster;
    this.weir = weir;
    this.origins = origins;
    this.xdsPort = xdsPort;
  }

  /** @param services names of services of two backends, `a` and `b`, which answer with their name */
  static async open(services: readonly string[]): Promise<Mesh> {
    const cluster = await ApiServer.start();
    const origins = new Origins();
    try {
      const weir = await Weir.install(cluster, {});
      cluster.kubectl('create', 'namespace', NAMESPACE);
      const istiod = await Istiod.start(cluster);
      await weir.startController();
      const agentPort = await weir.startAgent('agent');
      const ports = await Promise.all(BACKENDS.map(async (name) => ({ name, port: await origins.open(name) })));
      cluster.apply(
        serviceEntry('weir-agent', SYSTEM_NAMESPACE, `weir-agent.${SYSTEM_NAMESPACE}.svc.cluster.local`, AGENT_PORT, [
          { name: 'agent', port: agentPort },
        ]),
        ...services.map((name) => serviceEntry(name, NAMESPACE, hostOf(name), PORT, ports)),
      );
      return new Mesh(cluster, weir, origins, await istiod.relay('all'));
    } catch (error) {
      await cluster.close();
      await origins.close();
      throw error;
    }
  }

  /** @param hosts what it may call @returns a proxy that serves */
  async proxy(workload: string, aService: string, hosts?: readonly string[]): Promise<Sidecar> {
    const options = { workload, namespace: NAMESPACE, zone: 'zone-a', octet: FIRST_OCTET + this.proxies.length };
    this.cluster.apply(sidecarObject(options, [PORT, AGENT_PORT], hosts));
    const proxy = await Sidecar.start(this.cluster, this.xdsPort, options);
    this.proxies.push(proxy);
    const serves = async () => (await proxy.call(hostOf(aService), PORT)).status === 200;
    await eventually(`${workload} to serve`, serves);
    return proxy;
  }

  async close(): Promise<void> {
    for (const proxy of this.proxies) await proxy.close();
    await this.cluster.close();
    await this.origins.close();
  }
}

/** A service with endpoints on loopback, each labelled as the version of its name. */
export function serviceEntry(
  name: string,
  namespace: string,
  host: string,
  port: number,
  endpoints: readonly { readonly name: string; readonly port: number }[],
): object {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name, namespace },
    spec: {
      hosts: [host],
      ports: [{ name: 'http', number: port, protocol: 'HTTP' }],
      location: 'MESH_INTERNAL',
      resolution: 'STATIC',
      endpoints: endpoints.map((endpoint) => ({
        address: '127.0.0.1',
        ports: { http: endpoint.port },
        labels: { version: endpoint.name },
      })),
    },
  };
}

/** A port at which nobody listens: for services that are there to be configured and not to be called. */
export async function nobodysPort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
