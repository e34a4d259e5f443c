/**
 * What operators set today in Weir's place: one Envoy cluster with all endpoints of a service, balanced by Envoy alone, with
 * outlier detection or locality priority where asked. Only the benchmark runs such meshes. Each endpoint carries the name that
 * its backend's own cluster would have, so that calls are counted by backend here too. Pure.
 */

export interface SharedCluster {
  readonly lbPolicy: 'ROUND_ROBIN' | 'LEAST_REQUEST';
  readonly hasOutlierDetection: boolean;
  /** Endpoints of the caller's zone first, the others when those fail: what Istio's locality failover sets up. */
  readonly isByZone: boolean;
}

export interface SharedEndpoint {
  readonly port: number;
  /** Name that the cluster of its backend would have. */
  readonly backendCluster: string;
  readonly zone: string;
}

const METADATA_NAMESPACE = 'weir';
const METADATA_KEY = 'cluster';

/** Value of the response header that says which backend served. */
export const SERVED_BY = `%UPSTREAM_METADATA(["${METADATA_NAMESPACE}", "${METADATA_KEY}"])%`;

/**
 * Set for few hosts. Envoy's own 10 % would eject one host of four and the success-rate test needs five hosts with 100
 * requests each; so: 5 errors in a row, looked at each second, out for 10 s times the number of ejections. At most three in
 * four may be out, and only below one in five healthy does Envoy call to all: a service is never left with no host at all.
 */
const OUTLIER_DETECTION = {
  consecutive_5xx: 5,
  enforcing_consecutive_5xx: 100,
  interval: '1s',
  base_ejection_time: '10s',
  max_ejection_time: '60s',
  max_ejection_percent: 75,
};
const PANIC_PERCENT = 20;

/** The fields of a cluster that differ from a backend's own. @param callerZone of the sidecar */
export function sharedCluster(
  name: string,
  shared: SharedCluster,
  endpoints: readonly SharedEndpoint[],
  callerZone: string,
): Record<string, unknown> {
  const zones = [...new Set(endpoints.map(({ zone }) => zone))];
  const near = zones.filter((zone) => zone === callerZone);
  const far = zones.filter((zone) => zone !== callerZone);
  // Priorities may not begin above 0: a caller with no endpoint in its zone has them all at the first.
  const farPriority = shared.isByZone && near.length > 0 ? 1 : 0;
  const group = (zone: string, priority: number) => ({
    locality: { zone },
    priority,
    lb_endpoints: endpoints.filter((endpoint) => endpoint.zone === zone).map(lbEndpoint),
  });
  return {
    lb_policy: shared.lbPolicy,
    common_lb_config: { healthy_panic_threshold: { value: PANIC_PERCENT } },
    ...(shared.hasOutlierDetection ? { outlier_detection: OUTLIER_DETECTION } : {}),
    load_assignment: {
      cluster_name: name,
      endpoints: [...near.map((zone) => group(zone, 0)), ...far.map((zone) => group(zone, farPriority))],
    },
  };
}

function lbEndpoint({ port, backendCluster }: SharedEndpoint): Record<string, unknown> {
  return {
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    metadata: { filter_metadata: { [METADATA_NAMESPACE]: { [METADATA_KEY]: backendCluster } } },
  };
}
