/** Which service and backend an Envoy cluster stands for, as the routes say. */
import { type AdaptiveRoute, serviceOf } from '../routes/route.ts';

export interface Place {
  /** host:port */
  readonly service: string;
  /** Absent for an entry cluster: the call arrived at the service, unsteered. */
  readonly backend?: string;
}

export type Directory = ReadonlyMap<string, Place>;

export function buildDirectory(routes: readonly AdaptiveRoute[]): Directory {
  const places = new Map<string, Place>();
  for (const route of routes) {
    const service = serviceOf(route);
    for (const { cluster, name } of route.spec.backends) places.set(cluster, { service, backend: name });
    for (const cluster of route.spec.entryClusters) places.set(cluster, { service });
  }
  return places;
}
