/**
 * Who stands where: the endpoints of each node and the sidecars of the mesh, from a scenario. Pure. There is one sidecar for
 * each workload and node where it makes calls, where Istio has one per pod; and one gateway per zone that load comes from.
 */
import type { EndpointId, EndpointPorts } from '../apps/messages.ts';
import type { RoutedService, Sidecar } from '../envoy/bootstrap.ts';
import type { SharedCluster } from '../envoy/shared-cluster.ts';
import { isSteered, NAMESPACE } from '../scenario/routes.ts';
import type { Scenario } from '../scenario/schema.ts';
import type { Service } from '../scenario/service-schema.ts';
import { weightsOf } from '../scenario/weights.ts';

/** Endpoints by node, dealt out over the nodes of their zone in turn. */
export function placeEndpoints(scenario: Scenario): ReadonlyMap<string, readonly EndpointId[]> {
  const byNode = new Map<string, EndpointId[]>(scenario.nodes.map((node) => [node.name, []]));
  for (const service of scenario.services) {
    for (const backend of service.backends) {
      const nodes = scenario.nodes.filter((node) => node.zone === backend.zone);
      for (let index = 0; index < backend.endpoints; index += 1) {
        const node = nodes[index % nodes.length];
        if (node) byNode.get(node.name)?.push({ service: service.name, backend: backend.name, index });
      }
    }
  }
  return byNode;
}

export interface SidecarPlace {
  /** Unique: workload@node. */
  readonly name: string;
  /** `gateway`, or the service whose calls it carries. */
  readonly workload: string;
  readonly node: string;
  readonly zone: string;
  /** Services that it routes to. */
  readonly calls: readonly string[];
}

/** Workload name of the proxies that external load comes through. */
export const GATEWAY = 'gateway';

export function placeSidecars(scenario: Scenario): SidecarPlace[] {
  const places: SidecarPlace[] = [];
  for (const zone of scenario.zones) {
    const calls = unique(scenario.load.filter((load) => load.zone === zone).map((load) => load.service));
    const node = scenario.nodes.find((candidate) => candidate.zone === zone);
    if (calls.length > 0 && node)
      places.push({ name: `${GATEWAY}@${node.name}`, workload: GATEWAY, node: node.name, zone, calls });
  }
  for (const [nodeName, endpoints] of placeEndpoints(scenario)) {
    const zone = scenario.nodes.find((node) => node.name === nodeName)?.zone ?? '';
    for (const workload of unique(endpoints.map((endpoint) => endpoint.service))) {
      const calls = unique((serviceNamed(scenario, workload)?.calls ?? []).flat().map((call) => call.service));
      if (calls.length > 0) places.push({ name: `${workload}@${nodeName}`, workload, node: nodeName, zone, calls });
    }
  }
  return places;
}

/**
 * @param weir with the agent's port at the sidecar's node; undefined: a mesh without Weir
 * @param shared the backends of every service with a route share a cluster like this
 */
export function describeSidecar(
  scenario: Scenario,
  place: SidecarPlace,
  endpoints: readonly EndpointPorts[],
  weir: { readonly wasmPath: string; readonly agentPort: number } | undefined,
  shared?: SharedCluster,
): Sidecar {
  const services = place.calls.flatMap((name) => serviceNamed(scenario, name) ?? []);
  return {
    workload: place.workload,
    namespace: NAMESPACE,
    node: place.node,
    zone: place.zone,
    listenerPort: 0,
    services: services.map((service) => routed(scenario, service, place.zone, endpoints, shared)),
    ...(weir ? { filter: { ...weir, configuration: {} } } : {}),
  };
}

function routed(
  scenario: Scenario,
  service: Service,
  callerZone: string,
  endpoints: readonly EndpointPorts[],
  shared: SharedCluster | undefined,
): RoutedService {
  const weights = weightsOf(service);
  return {
    host: service.name,
    port: service.port,
    isSteered: isSteered(scenario, service),
    timeoutMs: service.timeoutMs,
    retries: service.retries,
    loadBalancing: service.loadBalancing,
    ...(shared && isSteered(scenario, service) ? { shared } : {}),
    backends: service.backends.map((backend, i) => ({
      name: backend.name,
      zone: backend.zone,
      weight: weights[i] ?? 0,
      endpointPorts: endpoints
        .filter((endpoint) => endpoint.service === service.name && endpoint.backend === backend.name)
        // A caller of another zone reaches it over the wire.
        .map((endpoint) => endpoint.portByZone[callerZone] ?? endpoint.port),
    })),
  };
}

function serviceNamed(scenario: Scenario, name: string): Service | undefined {
  return scenario.services.find((service) => service.name === name);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
