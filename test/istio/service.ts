/**
 * What a Service is to agents and people: one port, whose connections are passed on to the pod that it finds in the API
 * server. Kubernetes allows no endpoint on loopback, so a test has one of its own.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CoreV1Api, DiscoveryV1Api } from '@kubernetes/client-node';
import type { ApiServer } from './api-server.ts';
import { SYSTEM_NAMESPACE } from './chart.ts';

/** Which port of this machine a connection is to go to now. @throws Error where the Service has no endpoint */
export type FindPort = () => Promise<number>;

/** By a selector, as the API server finds pods. @param ports where each pod listens, by its name */
export function bySelector(
  cluster: ApiServer,
  selector: Readonly<Record<string, string>>,
  ports: Readonly<Record<string, number>>,
): FindPort {
  const pods = cluster.kubeConfig.makeApiClient(CoreV1Api);
  const labelSelector = Object.entries(selector)
    .map(([name, value]) => `${name}=${value}`)
    .join();
  return async () => {
    const { items } = await pods.listNamespacedPod({ namespace: SYSTEM_NAMESPACE, labelSelector });
    return portOf(
      items.map(({ metadata }) => metadata?.name ?? ''),
      ports,
    );
  };
}

/** By the EndpointSlices that Kubernetes' controllers keep of a Service. @param ports where each pod listens, by its name */
export function byEndpoints(cluster: ApiServer, service: string, ports: Readonly<Record<string, number>>): FindPort {
  const slices = cluster.kubeConfig.makeApiClient(DiscoveryV1Api);
  const labelSelector = `kubernetes.io/service-name=${service}`;
  return async () => {
    const { items } = await slices.listNamespacedEndpointSlice({ namespace: SYSTEM_NAMESPACE, labelSelector });
    const ready = items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready);
    return portOf(
      ready.map(({ targetRef }) => targetRef?.name ?? ''),
      ports,
    );
  };
}

/** Of two nobody could say which is meant. @throws RangeError */
function portOf(names: readonly string[], ports: Readonly<Record<string, number>>): number {
  const port = ports[names[0] ?? ''];
  if (port === undefined || names.length > 1) throw new RangeError(`the Service finds ${names.join() || 'nothing'}`);
  return port;
}

/** @param listenPort where the Service is found @returns what ends it */
export async function serveAs(listenPort: number, findPort: FindPort): Promise<() => void> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => sockets.delete(client));
    findPort().then(
      (port) => {
        const pod = connect(port, '127.0.0.1');
        pod.on('error', () => client.destroy());
        pod.on('close', () => client.destroy());
        client.on('close', () => pod.destroy());
        client.pipe(pod).pipe(client);
      },
      // As where a Service has no endpoint.
      () => client.resetAndDestroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(listenPort, '127.0.0.1', resolve));
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}
