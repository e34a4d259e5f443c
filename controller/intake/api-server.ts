/** How the Kubernetes API server is reached, and what its refusals mean for an operator. */
import { KubeConfig } from '@kubernetes/client-node';
import { ConfigError } from '../config.ts';

/** What the client takes when it finds nothing. */
const NOTHING_FOUND = 'http://localhost:8080';

/** KUBECONFIG or ~/.kube/config; in a pod the mounted ServiceAccount. @throws ConfigError when there is none of them */
export function findApiServer(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined || server === NOTHING_FOUND) {
    throw new ConfigError(
      'WEIR_CONTROLLER_ROUTES asks for the routes of a Kubernetes API server, and none is configured: there is no KUBECONFIG, no ~/.kube/config, and no ServiceAccount of a pod',
    );
  }
  return kubeConfig;
}

/** One sentence. @param what for example `AdaptiveRoutes` */
export function sayFailure(error: unknown, what: string): string {
  const { code, statusCode, message } = error as { code?: unknown; statusCode?: unknown; message?: string };
  const status = typeof code === 'number' ? code : statusCode;
  if (status === 401) return `the API server does not accept our token (401) for ${what}`;
  if (status === 403) return `the API server does not let us read or write ${what} (403): a role is missing`;
  if (status === 404) return `the API server does not know ${what} (404): install their custom resource definition`;
  if (typeof status === 'number') return `the API server answered ${status} about ${what}`;
  return `the API server cannot be reached for ${what}: ${typeof code === 'string' ? code : message}`;
}
