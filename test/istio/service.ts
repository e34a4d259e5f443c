/**
 * What a Service is to agents and people: one port, whose connections are passed on to the pod that its selector finds in the API
 * server. Kubernetes allows no endpoint on loopback, so a test has one of its own.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CoreV1Api } from '@kubernetes/client-node';
import type { ApiServer } from './api-server.ts';
import { SYSTEM_NAMESPACE } from './chart.ts';

export interface ServiceOptions {
  readonly port: number;
  readonly selector: Readonly<Record<string, string>>;
  /** Where each pod listens, by its name. */
  readonly ports: Readonly<Record<string, number>>;
}

/** @returns what ends it */
export async function serveAs(cluster: ApiServer, options: ServiceOptions): Promise<() => void> {
  const pods = cluster.kubeConfig.makeApiClient(CoreV1Api);
  const labelSelector = Object.entries(options.selector)
    .map(([name, value]) => `${name}=${value}`)
    .join();
  const sockets = new Set<Socket>();
  const target = async (): Promise<number> => {
    const { items } = await pods.listNamespacedPod({ namespace: SYSTEM_NAMESPACE, labelSelector });
    const names = items.map(({ metadata }) => metadata?.name ?? '');
    const port = options.ports[names[0] ?? ''];
    if (port === undefined || names.length > 1) throw new RangeError(`the selector finds ${names.join() || 'nothing'}`);
    return port;
  };
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => sockets.delete(client));
    target().then(
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
  await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve));
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}
