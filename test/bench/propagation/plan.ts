/** What is measured: 20 Envoys on 4 nodes in 2 zones, all of which call one service of two backends. Pure. */
import type { EndpointPorts } from '../../../deploy/local/apps/messages.ts';
import type { Sidecar } from '../../../deploy/local/envoy/bootstrap.ts';
import { describeSidecar, type SidecarPlace } from '../../../deploy/local/mesh/plan.ts';
import { parseScenario } from '../../../deploy/local/scenario/parse.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';

export const AGENTS = 4;
export const ENVOYS_PER_AGENT = 5;
export const BACKENDS = ['a', 'b'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Host of the service that is called. */
export const SERVICE_HOST = 'shop';
export const SERVICE = `${SERVICE_HOST}:80`;

const ZONES = ['zone-a', 'zone-b'];

/** Only what agents, controller and Envoys need of a scenario counts; nobody plays its load, and its apps are not started. */
export function propagationScenario(): Scenario {
  const nodes = Array.from({ length: AGENTS }, (_, i) => ({ name: `node-${i + 1}`, zone: ZONES[i % ZONES.length] }));
  const backends = BACKENDS.map((name, i) => ({ name, zone: ZONES[i], serviceTime: { meanMs: 1 } }));
  const scenario = {
    name: 'propagation',
    zones: ZONES,
    nodes,
    services: [{ name: SERVICE_HOST, port: 80, backends, route: { mode: 'enforce' } }],
    load: [{ zone: ZONES[0], service: SERVICE_HOST, phases: [{ rps: 1 }] }],
  };
  // JSON is YAML.
  return parseScenario(JSON.stringify(scenario), 'propagation');
}

/** One workload beside each Envoy, as in Istio. */
export function placesOf({ nodes }: Scenario): SidecarPlace[] {
  return nodes.flatMap(({ name: node, zone }) =>
    Array.from({ length: ENVOYS_PER_AGENT }, (_, i) => {
      const workload = `caller-${i + 1}`;
      return { name: `${workload}@${node}`, workload, node, zone, calls: [SERVICE_HOST] };
    }),
  );
}

/** @param portOf each backend's; every Envoy reaches it there, there is no wire between zones */
export function sidecarAt(
  place: SidecarPlace,
  scenario: Scenario,
  portOf: Readonly<Record<BackendName, number>>,
  weir: { readonly wasmPath: string; readonly agentPort: number },
): Sidecar {
  const endpoints = BACKENDS.map((backend): EndpointPorts => {
    return { service: SERVICE_HOST, backend, index: 0, port: portOf[backend], portByZone: {} };
  });
  return describeSidecar(scenario, place, endpoints, weir);
}
