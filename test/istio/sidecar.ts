/**
 * A real Envoy that istiod configures, as the sidecar of a workload that is a process of the test, or as a gateway. Each has an address of its own in
 * 127/8 to listen at, given by a Sidecar object, since services listen at their own ports and all proxies share one machine.
 */
import { Pool } from 'undici';
import { launchEnvoy } from '../../deploy/local/envoy/process.ts';
import { envoyPath } from '../support/envoy.ts';
import type { ApiServer } from './api-server.ts';

export interface SidecarOptions {
  /** Label `app` and ServiceAccount. */
  readonly workload: string;
  readonly namespace: string;
  readonly zone: string;
  /** Last octet of its address, 2 to 254. */
  readonly octet: number;
  /** What istiod takes it for; a router is a gateway. */
  readonly type?: 'sidecar' | 'router';
}

/** What came back, by Envoy or by who served it. */
export interface Answer {
  readonly status: number;
  /** Name of the origin. */
  readonly servedBy: string | undefined;
  /** The x-weir-backend that the origin was sent; 'none': no such header. */
  readonly sawBackend: string | undefined;
}

export class Sidecar {
  readonly adminPort: number;
  readonly pid: number;
  readonly address: string;
  private readonly pools = new Map<number, Pool>();

  private constructor(address: string, adminPort: number, pid: number) {
    this.address = address;
    this.adminPort = adminPort;
    this.pid = pid;
  }

  /** Ready once it has its first configuration. @param xdsPort of istiod, or of a relay in front of it */
  static async start(cluster: ApiServer, xdsPort: number, options: SidecarOptions): Promise<Sidecar> {
    const path = await envoyPath();
    const name = `envoy-${options.workload}-${options.octet}`;
    const bootstrap = bootstrapOf(options, xdsPort);
    const { adminPort, child } = await launchEnvoy(cluster.children, path, cluster.folder, name, bootstrap);
    return new Sidecar(addressOf(options.octet), adminPort, child.pid);
  }

  async call(host: string, port: number): Promise<Answer> {
    const pool = this.pools.get(port) ?? new Pool(`http://${this.address}:${port}`, { connections: 16 });
    this.pools.set(port, pool);
    const { statusCode, headers, body } = await pool.request({ path: '/', method: 'GET', headers: { host } });
    await body.dump();
    const header = (name: string) => (headers[name] === undefined ? undefined : String(headers[name]));
    return { status: statusCode, servedBy: header('x-served-by'), sawBackend: header('x-saw-backend') };
  }

  /** What its admin answers. */
  async admin(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.adminPort}${path}`)).text();
  }

  async close(): Promise<void> {
    for (const pool of this.pools.values()) await pool.destroy();
  }
}

/**
 * The Sidecar object by which istiod has a proxy listen at its own address.
 * @param ports those of the services that it calls
 * @param hosts what it may call
 */
export function sidecarObject(
  { workload, namespace, octet }: SidecarOptions,
  ports: readonly number[],
  hosts: readonly string[] = ['*/*'],
): object {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: workload, namespace },
    spec: {
      workloadSelector: { labels: { app: workload } },
      egress: ports.map((port) => ({
        port: { number: port, protocol: 'HTTP', name: `http-${port}` },
        bind: addressOf(octet),
        captureMode: 'NONE',
        hosts,
      })),
    },
  };
}

/** The Gateway object by which istiod has a proxy of type router listen. */
export function gatewayObject({ workload, namespace, octet }: SidecarOptions, port: number): object {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: workload, namespace },
    spec: {
      selector: { app: workload },
      servers: [{ port: { number: port, protocol: 'HTTP', name: 'http' }, bind: addressOf(octet), hosts: ['*'] }],
    },
  };
}

/** Suites run beside each other, and each has a network of its own. */
const NETWORK = 100 + (process.pid % 150);

function addressOf(octet: number): string {
  return `127.0.${NETWORK}.${octet}`;
}

function bootstrapOf(
  { workload, namespace, zone, octet, type = 'sidecar' }: SidecarOptions,
  xdsPort: number,
): Record<string, unknown> {
  const ads = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };
  return {
    node: {
      // The address in the id must be no endpoint's, or istiod takes the proxy for that endpoint and selects by its labels.
      id: `${type}~127.0.99.${octet}~${workload}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${workload}.${namespace}`,
      locality: { zone },
      metadata: {
        ...{ NAMESPACE: namespace, LABELS: { app: workload }, ISTIO_VERSION: '1.30.0' },
        ...{ CLUSTER_ID: 'Kubernetes', INTERCEPTION_MODE: 'NONE', NODE_NAME: 'node-1' },
      },
    },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    dynamic_resources: {
      lds_config: ads,
      cds_config: ads,
      ads_config: {
        api_type: 'GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'istiod' } }],
      },
    },
    static_resources: {
      clusters: [
        {
          name: 'istiod',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'istiod',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: xdsPort } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  };
}
