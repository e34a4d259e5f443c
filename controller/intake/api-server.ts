/** How the Kubernetes API server is reached, and what its refusals mean for an operator. */
import { KubeConfig } from '@kubernetes/client-node';

/** In a pod the mounted ServiceAccount; elsewhere KUBECONFIG or ~/.kube/config. @throws Error when there is none of them */
export function findApiServer(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  if (!kubeConfig.getCurrentCluster()) throw new Error('no Kubernetes API server is configured');
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
