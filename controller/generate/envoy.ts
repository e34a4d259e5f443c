/**
 * What an Envoy needs to know so that the filter can steer a service, in Envoy's own words: a route per backend that matches the filter's
 * header, a plain weighted route behind them that follows the table, for the day Weir is gone, and the filter. Pure.
 *
 * There is no library of Envoy's messages for Node.js, so they are plain data here, and `test/envoy/generated.test.ts` shows them to an Envoy.
 */
import type { Weights } from '../decide/policy.ts';
import { type AdaptiveRoute, serviceOf } from '../routes/route.ts';

export const BACKEND_HEADER = 'x-weir-backend';
export const WASM_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm';
/** How long a call may take is for its caller to say, as with Istio; Envoy's own 15 s would end every stream. */
const NO_TIMEOUT = '0s';
/** Port that a host means which is named without one. */
const DEFAULT_PORT = 80;

export interface RoutedCluster {
  /** Value of x-weir-backend that routes to it. */
  readonly name: string;
  /** Envoy's name of it. */
  readonly cluster: string;
  /** Of the plain route, out of 10,000. */
  readonly weight: number;
}

/** Fields of a RouteAction beside the cluster, as JSON has them. */
export type RouteAction = Readonly<Record<string, unknown>>;

export interface Route {
  readonly name: string;
  readonly match: Readonly<Record<string, unknown>>;
  readonly route: RouteAction;
}

export interface VirtualHost {
  readonly name: string;
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
}

export interface WeighedRoute {
  readonly route: AdaptiveRoute;
  /** Of the plain route, out of 10,000. */
  readonly weights: Weights;
}

/** Where there is one backend, nothing is chosen. */
export function steeredRoutes(backends: readonly RoutedCluster[], action: RouteAction): readonly Route[] {
  const chosen = backends.length > 1 ? backends : [];
  return [
    ...chosen.map(({ name, cluster }) => ({
      name,
      match: { prefix: '/', headers: [{ name: BACKEND_HEADER, string_match: { exact: name } }] },
      route: { cluster, ...action },
    })),
    plainRoute(backends, action),
  ];
}

/** By weight alone. */
export function plainRoute(backends: readonly RoutedCluster[], action: RouteAction): Route {
  const [first, second] = backends;
  const target =
    first && !second
      ? { cluster: first.cluster }
      : { weighted_clusters: { clusters: backends.map(({ cluster, weight }) => ({ name: cluster, weight })) } };
  return { name: 'plain', match: { prefix: '/' }, route: { ...target, ...action } };
}

/** One for each service. A host without a port means its route at port 80, or the only one that it has. */
export function virtualHostsOf(weighed: readonly WeighedRoute[]): readonly VirtualHost[] {
  return weighed.map(({ route, weights }) => {
    const { host, port, backends } = route.spec;
    const isOnly = weighed.every(({ route: other }) => other === route || other.spec.host !== host);
    const clusters = backends.map(({ name, cluster }) => ({ name, cluster, weight: weights[name] ?? 0 }));
    return {
      name: serviceOf(route),
      domains: [...(isOnly || port === DEFAULT_PORT ? [host] : []), `${host}:${port}`],
      routes: steeredRoutes(clusters, { timeout: NO_TIMEOUT }),
    };
  });
}

/** @param configuration of the plugin; {} is all defaults */
export function wasmFilterOf(
  modulePath: string,
  configuration: Readonly<Record<string, string | number>>,
): Readonly<Record<string, unknown>> {
  return {
    '@type': WASM_TYPE,
    config: {
      name: 'weir',
      root_id: 'weir',
      failure_policy: 'FAIL_OPEN',
      configuration: {
        '@type': 'type.googleapis.com/google.protobuf.StringValue',
        value: JSON.stringify(configuration),
      },
      vm_config: { vm_id: 'weir', runtime: 'envoy.wasm.runtime.v8', code: { local: { filename: modulePath } } },
    },
  };
}
