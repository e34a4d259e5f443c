/**
 * Envoy clusters as istiod names them: `outbound|PORT|SUBSET|HOST`, where the host is the whole name that the service has in the
 * cluster. A backend that names no cluster is the subset of its own name.
 */
import type { AdaptiveRoute, Backend } from './route.ts';

/** A name without a dot is a Service of the namespace, as in a VirtualService. */
export function fullName(host: string, namespace: string): string {
  return host.includes('.') ? host : `${host}.${namespace}.svc.cluster.local`;
}

export function fullHost({ metadata, spec }: AdaptiveRoute): string {
  return fullName(spec.host, metadata.namespace);
}

/** @param host its whole name @param subset '' for the service as a whole */
export function clusterNamed(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** What a cluster of istiod's stands for; undefined for any other. @returns subset '' for the service as a whole */
export function partsOfCluster(
  cluster: string,
): { readonly host: string; readonly port: number; readonly subset: string } | undefined {
  const [, port, subset = '', host] = /^outbound\|(\d+)\|([^|]*)\|([^|]+)$/.exec(cluster) ?? [];
  return host === undefined ? undefined : { host, port: Number(port), subset };
}

function istioCluster(route: AdaptiveRoute, subset: string): string {
  return clusterNamed(fullHost(route), route.spec.port, subset);
}

/** The backends that are subsets which Istio knows by the backend's name. */
export function subsetsOf(route: AdaptiveRoute): readonly Backend[] {
  return route.spec.backends.filter(({ name, cluster }) => cluster === istioCluster(route, name));
}

/**
 * The route with every cluster named. Where Istio names them, its host is the whole name too, as everywhere in Istio: two namespaces may have a
 * Service of one name each. Where the owner names all clusters, the host is what the owner calls it.
 */
export function withClusters(route: AdaptiveRoute): AdaptiveRoute {
  const { spec } = route;
  if (!spec.backendsFrom && spec.backends.every(({ cluster }) => cluster !== '')) return route;
  const backends = spec.backends.map((backend) => ({
    ...backend,
    cluster: backend.cluster || istioCluster(route, backend.name),
  }));
  const whole = istioCluster(route, '');
  const entryClusters = spec.entryClusters.includes(whole) ? spec.entryClusters : [...spec.entryClusters, whole];
  return { ...route, spec: { ...spec, host: fullHost(route), backends, entryClusters } };
}
