/**
 * What Istio needs to know so that the filter can steer a service: subsets, one route per backend that matches the filter's header, and a
 * plain weighted route behind them that follows the table, for the day Weir is gone. Pure.
 */
import { DestinationRule, VirtualService } from '@kubernetes-models/istio/networking.istio.io/v1beta1';
import type { Weights } from '../decide/policy.ts';
import { fullHost, subsetsOf } from '../routes/clusters.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import { BACKEND_HEADER } from './envoy.ts';
import { metadataFor } from './labels.ts';

/** Connecting within a mesh takes milliseconds; the default of 10 s is longer than any caller waits. */
const CONNECT_TIMEOUT = '1s';

/** @param weights of the plain route, out of 10,000 by backend */
export function virtualServiceOf(route: AdaptiveRoute, weights: Weights): VirtualService {
  const { spec } = route;
  const host = fullHost(route);
  const to = (subset: string) => ({ host, subset, port: { number: spec.port } });
  const names = subsetsOf(route).map(({ name }) => name);
  return new VirtualService({
    metadata: metadataFor(route, {
      'http[].match': 'the filter draws a backend and says so in this header',
      'http[weir-plain].route': 'weights of the table, for callers whose filter is not there',
    }),
    spec: {
      hosts: [host],
      http: [
        ...names.map((name) => ({
          name: `weir-${name}`,
          match: [{ port: spec.port, headers: { [BACKEND_HEADER]: { exact: name } } }],
          route: [{ destination: to(name) }],
        })),
        {
          name: 'weir-plain',
          match: [{ port: spec.port }],
          route: names.map((name) => ({ destination: to(name), weight: weights[name] ?? 0 })),
        },
        // Where a VirtualService has routes for one port alone, istiod leaves the host out on its other ports.
        { name: 'weir-other-ports', route: [{ destination: { host } }] },
      ],
    },
  });
}

/** Subsets, and how Envoy is to choose among the endpoints of one. */
export function destinationRuleOf(route: AdaptiveRoute): DestinationRule {
  return new DestinationRule({
    metadata: metadataFor(route, {
      loadBalancer: 'Weir weighs backends; among the endpoints of one, the less busy of two is Envoy’s to choose',
      connectionPool: `who does not accept a connection within ${CONNECT_TIMEOUT} is not waited for`,
      outlierDetection: 'a single endpoint that fails is not its backend: Envoy leaves it out, up to half of them',
    }),
    spec: {
      host: fullHost(route),
      trafficPolicy: {
        loadBalancer: { simple: 'LEAST_REQUEST' },
        connectionPool: { tcp: { connectTimeout: CONNECT_TIMEOUT } },
        outlierDetection: {
          consecutive5xxErrors: 5,
          interval: '5s',
          baseEjectionTime: '30s',
          maxEjectionPercent: 50,
        },
      },
      subsets: subsetsOf(route).map(({ name, labels = {} }) => ({ name, labels: { ...labels } })),
    },
  });
}
