/**
 * A small mesh that istiod configures: a caller's sidecar, a service of two versions with a second port, an agent and a controller as
 * the chart has them. Nothing of it is a stand-in but the service itself.
 */
import { type Origin, startOrigin } from '../support/origin.ts';
import { ApiServer, type ApiServerOptions } from './api-server.ts';
import { SYSTEM_NAMESPACE } from './chart.ts';
import { Istiod } from './istiod.ts';
import { gatewayObject, Sidecar, type SidecarOptions, sidecarObject } from './sidecar.ts';
import { Weir } from './weir.ts';

export const NAMESPACE = 'shop';
export const HOST = `search.${NAMESPACE}.svc.cluster.local`;
export const PORT = 8080;
/** Of the same host, and none of Weir's business. */
export const OTHER_PORT = 9090;
const AGENT_HOST = `weir-agent.${SYSTEM_NAMESPACE}.svc.cluster.local`;
const AGENT_PORT = 15_990;

export class Shop {
  readonly cluster: ApiServer;
  readonly istiod: Istiod;
  readonly weir: Weir;
  readonly v1: Origin;
  readonly v2: Origin;
  private readonly proxies: Sidecar[] = [];

  private constructor(cluster: ApiServer, istiod: Istiod, weir: Weir, v1: Origin, v2: Origin) {
    this.cluster = cluster;
    this.istiod = istiod;
    this.weir = weir;
    this.v1 = v1;
    this.v2 = v2;
  }

  /** Everything but proxies. @throws Error when a part does not come up */
  static async open(options?: ApiServerOptions): Promise<Shop> {
    const cluster = await ApiServer.start(options);
    try {
      const weir = await Weir.install(cluster, {});
      cluster.kubectl('create', 'namespace', NAMESPACE);
      const istiod = await Istiod.start(cluster);
      const shop = new Shop(cluster, istiod, weir, await startOrigin('v1'), await startOrigin('v2'));
      await weir.startController();
      shop.applyServices(await weir.startAgent('agent'));
      return shop;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  async proxy(options: Omit<SidecarOptions, 'namespace'>): Promise<Sidecar> {
    const whole = { ...options, namespace: NAMESPACE };
    const isGateway = options.type === 'router';
    this.cluster.apply(isGateway ? gatewayObject(whole, PORT) : sidecarObject(whole, [PORT, OTHER_PORT, AGENT_PORT]));
    const proxy = await Sidecar.start(this.cluster, await this.istiod.relay(options.workload), whole);
    this.proxies.push(proxy);
    return proxy;
  }

  async close(): Promise<void> {
    for (const proxy of this.proxies) await proxy.close();
    await this.cluster.close();
    await this.v1.close();
    await this.v2.close();
  }

  private applyServices(agentPort: number): void {
    const endpoint = ({ port, name }: Origin) => ({
      address: '127.0.0.1',
      ports: { http: port, other: port },
      labels: { version: name },
    });
    const http = (name: string, number: number) => ({ name, number, protocol: 'HTTP' });
    const inMesh = { location: 'MESH_INTERNAL', resolution: 'STATIC' };
    this.cluster.apply(
      entry('search', NAMESPACE, {
        hosts: [HOST],
        ports: [http('http', PORT), http('other', OTHER_PORT)],
        endpoints: [endpoint(this.v1), endpoint(this.v2)],
        ...inMesh,
      }),
      entry('weir-agent', SYSTEM_NAMESPACE, {
        hosts: [AGENT_HOST],
        ports: [http('http', AGENT_PORT)],
        endpoints: [{ address: '127.0.0.1', ports: { http: agentPort } }],
        ...inMesh,
      }),
    );
  }
}

/** The AdaptiveRoute of the service. */
export function searchRoute(spec: Readonly<Record<string, unknown>> = {}): object {
  const backends = ['v1', 'v2'].map((name) => ({ name, labels: { version: name } }));
  return {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: 'search', namespace: NAMESPACE },
    spec: { host: 'search', port: PORT, backends, ...spec },
  };
}

function entry(name: string, namespace: string, spec: object): object {
  return { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name, namespace }, spec };
}
