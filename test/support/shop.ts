/** Services for real Envoys, as a sidecar's bootstrap wants them and as a table names them. */
import type { ServiceTable } from '../../controller/wire/messages.ts';
import { clusterOf, type RoutedService } from '../../deploy/local/envoy/bootstrap.ts';

export interface Weights {
  readonly [backend: string]: number;
}

/** A steered service at HOST:80 with these backends; the plain route sends everything to the first. */
export function routed(
  host: string,
  ports: Readonly<Record<string, number>>,
  more: Partial<RoutedService> = {},
): RoutedService {
  return {
    host,
    port: 80,
    isSteered: true,
    timeoutMs: 10_000,
    retries: 0,
    loadBalancing: 'ROUND_ROBIN',
    backends: Object.entries(ports).map(([name, port], i) => ({
      name,
      weight: i === 0 ? 10_000 : 0,
      endpointPorts: [port],
    })),
    ...more,
  };
}

/** What a table says of such a service: its weights and, where there is a trial, those of the trial arm. */
export function tableOf(
  service: RoutedService,
  weights: Weights,
  more: Partial<Pick<ServiceTable, 'draw' | 'trialId' | 'trialShare'>> & { readonly trialWeights?: Weights } = {},
): ServiceTable {
  const { trialWeights = weights, ...rest } = more;
  return {
    service: `${service.host}:${service.port}`,
    group: '*',
    draw: 'exact',
    trialId: 0,
    trialShare: 0,
    backends: service.backends.map(({ name }) => ({
      name,
      cluster: clusterOf(service, name),
      weight: weights[name] ?? 0,
      trialWeight: trialWeights[name] ?? 0,
    })),
    entryClusters: [],
    ...rest,
  };
}
