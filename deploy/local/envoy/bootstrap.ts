/**
 * From the description of one sidecar to the bootstrap that its Envoy starts with. Pure: ports and paths come in, JSON goes
 * out. Everything is static, so that nothing but Weir's filter can change where a request goes.
 *
 * A service has a virtual host. A steered one has the routes that `weir generate --envoy` writes: one per backend that matches
 * x-weir-backend, which the filter sets, and last a plain weighted route, which serves whenever the filter leaves a request
 * alone. Cluster names have Istio's form, so that what reads them reads them here too.
 */
import { plainRoute, steeredRoutes, wasmFilterOf } from '../../../controller/generate/envoy.ts';
import { WEIGHT_TOTAL } from '../../../controller/wire/messages.ts';
import { SERVED_BY, type SharedCluster, sharedCluster } from './shared-cluster.ts';

export interface RoutedBackend {
  /** Value of x-weir-backend that routes to it. */
  readonly name: string;
  /** Static weight out of 10,000, of the plain route. */
  readonly weight: number;
  /** Ports on 127.0.0.1. */
  readonly endpointPorts: readonly number[];
  /** Zone of its endpoints; needed where they share a cluster. */
  readonly zone?: string;
}

export interface RoutedService {
  readonly host: string;
  readonly port: number;
  /** Whether x-weir-backend chooses among its backends. */
  readonly isSteered: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly loadBalancing: 'LEAST_REQUEST' | 'ROUND_ROBIN' | 'RANDOM';
  readonly backends: readonly RoutedBackend[];
  /** Present: all backends in one cluster and nothing to choose between, a mesh of the benchmark. */
  readonly shared?: SharedCluster;
}

export interface FilterUse {
  /** The compiled filter. */
  readonly wasmPath: string;
  /** Where the agent of this node takes samples, on 127.0.0.1. */
  readonly agentPort: number;
  /** Plugin configuration; {} is all defaults. */
  readonly configuration: Readonly<Record<string, string | number>>;
}

export interface Sidecar {
  /** Workload that it stands beside. */
  readonly workload: string;
  readonly namespace: string;
  readonly node: string;
  readonly zone: string;
  /** 0: Envoy takes a free one. */
  readonly listenerPort: number;
  readonly services: readonly RoutedService[];
  /** Absent: a mesh without Weir. */
  readonly filter?: FilterUse;
}

/** Response header in which a sidecar tells the caller which cluster it tried last. */
export const CLUSTER_HEADER = 'x-upstream-cluster';

// Beyond what any scenario here can have in flight: Envoy must never be the one that refuses.
const NO_LIMIT = 1_000_000;

/** Name of the Envoy cluster of a backend. */
export function clusterOf(service: { host: string; port: number }, backend: string): string {
  return `outbound|${service.port}|${backend}|${service.host}`;
}

/** The bootstrap as plain data; JSON.stringify makes the file. */
export function bootstrapOf(sidecar: Sidecar): Record<string, unknown> {
  const clusters = sidecar.services.flatMap((service) =>
    service.shared
      ? [clusterOfAll(service, service.shared, sidecar.zone)]
      : service.backends.map((backend) => backendCluster(service, backend)),
  );
  if (sidecar.filter) clusters.push(agentCluster(sidecar.filter.agentPort));
  return {
    node: nodeOf(sidecar),
    admin: { address: loopback(0) },
    stats_config: {
      stats_matcher: {
        inclusion_list: {
          patterns: [
            { safe_regex: { regex: 'cluster\\..*upstream_(rq|cx)_.*' } },
            { prefix: 'http.outbound.' },
            { prefix: 'wasm' },
          ],
        },
      },
    },
    static_resources: { listeners: [listener(sidecar)], clusters },
  };
}

function nodeOf({ workload, namespace, node, zone }: Sidecar): Record<string, unknown> {
  return {
    id: `sidecar~127.0.0.99~${workload}-${node}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${workload}.${namespace}`,
    metadata: {
      NAMESPACE: namespace,
      LABELS: { app: workload },
      ISTIO_VERSION: '1.30.0',
      CLUSTER_ID: 'Kubernetes',
      NODE_NAME: node,
    },
    locality: { zone },
  };
}

function listener(sidecar: Sidecar): Record<string, unknown> {
  return {
    name: 'outbound',
    address: loopback(sidecar.listenerPort),
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              stat_prefix: 'outbound',
              generate_request_id: false,
              route_config: { name: 'outbound', virtual_hosts: sidecar.services.map(virtualHost) },
              http_filters: [...(sidecar.filter ? [weirFilter(sidecar.filter)] : []), router],
            },
          },
        ],
      },
    ],
  };
}

const router = {
  name: 'envoy.filters.http.router',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
    suppress_envoy_headers: false,
  },
};

function weirFilter({ wasmPath, configuration }: FilterUse): Record<string, unknown> {
  return { name: 'weir', typed_config: wasmFilterOf(wasmPath, configuration) };
}

function virtualHost(service: RoutedService): Record<string, unknown> {
  const action = {
    timeout: milliseconds(service.timeoutMs),
    ...(service.retries > 0 ? { retry_policy: retryPolicy(service.retries) } : {}),
  };
  const backends = service.shared
    ? [{ name: '', cluster: clusterOf(service, ''), weight: WEIGHT_TOTAL }]
    : service.backends.map(({ name, weight }) => ({ name, weight, cluster: clusterOf(service, name) }));
  const servedBy = service.shared ? SERVED_BY : '%UPSTREAM_CLUSTER_RAW%';
  return {
    name: `${service.host}:${service.port}`,
    domains: [service.host, `${service.host}:${service.port}`],
    include_request_attempt_count: true,
    response_headers_to_add: [
      { header: { key: CLUSTER_HEADER, value: servedBy }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
    ],
    routes: service.isSteered ? steeredRoutes(backends, action) : [plainRoute(backends, action)],
  };
}

function retryPolicy(retries: number): Record<string, unknown> {
  return {
    retry_on: 'connect-failure,refused-stream,reset,5xx',
    num_retries: retries,
    retry_back_off: { base_interval: '0.005s', max_interval: '0.05s' },
  };
}

function backendCluster(service: RoutedService, backend: RoutedBackend): Record<string, unknown> {
  return {
    ...cluster(clusterOf(service, backend.name), backend.endpointPorts),
    lb_policy: service.loadBalancing,
    circuit_breakers: unlimited,
  };
}

function clusterOfAll(service: RoutedService, shared: SharedCluster, callerZone: string): Record<string, unknown> {
  const endpoints = service.backends.flatMap(({ name, endpointPorts, zone = '' }) =>
    endpointPorts.map((port) => ({ port, zone, backendCluster: clusterOf(service, name) })),
  );
  const name = clusterOf(service, '');
  return {
    ...cluster(name, []),
    ...sharedCluster(name, shared, endpoints, callerZone),
    circuit_breakers: unlimited,
  };
}

const unlimited = {
  thresholds: [
    { max_connections: NO_LIMIT, max_pending_requests: NO_LIMIT, max_requests: NO_LIMIT, max_retries: NO_LIMIT },
  ],
};

function agentCluster(port: number): Record<string, unknown> {
  return cluster('weir-agent', [port]);
}

function cluster(name: string, ports: readonly number[]): Record<string, unknown> {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: loopback(port) } })) }],
    },
  };
}

function loopback(port: number): Record<string, unknown> {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function milliseconds(ms: number): string {
  return `${ms / 1000}s`;
}
