/**
 * What the controller has of a Kubernetes API server, as far as it is configured: routes, publishing, the filter's way into
 * Envoys, whose token is whose. Loaded only where one is asked for, since its client is large.
 */
import { AuthenticationV1Api, AuthorizationV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import { Reviewed } from './access/review.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, clusterOf } from './config.ts';
import { type FilterModule, filterPath } from './filter-module.ts';
import { findApiServer, sayFailure } from './intake/api-server.ts';
import { Discovery } from './intake/discovery.ts';
import { openKubernetesRoutes } from './intake/routes.ts';
import type { Log } from './log.ts';
import { Attacher, type AttacherOptions } from './publish/attach.ts';
import { Cluster } from './publish/kubernetes.ts';
import { Objects } from './publish/objects.ts';
import { Publisher } from './publish/publisher.ts';
import type { ServerOptions } from './server.ts';

export type ClusterParts = Pick<ServerOptions, 'openRoutes' | 'openPublisher' | 'attacher' | 'access' | 'configured'>;

/** Waits for the API server's routes where routes come from there. @throws ConfigError */
export async function clusterParts(config: Config, log: Log, filter: FilterModule | undefined): Promise<ClusterParts> {
  const kubeConfig = findApiServer();
  const source = clusterOf(config);
  const scope = source?.namespace;
  const explain = (what: string) => (error: unknown) => sayFailure(error, what);
  const parts: { -readonly [Name in keyof ClusterParts]: ClusterParts[Name] } = {};
  if (config.publish === 'kubernetes') {
    const objects = new Objects(kubeConfig.makeApiClient(CustomObjectsApi));
    const place = new Cluster(objects, scope);
    parts.openPublisher = (count) =>
      new Publisher({ place, log, count, explain: explain('VirtualServices and DestinationRules') });
    parts.attacher = new Attacher({
      ...{ objects, scope, log },
      explain: explain('WasmPlugins'),
      namespaces: config.filter?.namespaces ?? [],
      plugin: pluginOf(config, filter),
    });
  }
  if (config.tokenAudience !== undefined) {
    parts.access = new Reviewed({
      authentication: kubeConfig.makeApiClient(AuthenticationV1Api),
      authorization: kubeConfig.makeApiClient(AuthorizationV1Api),
      audience: config.tokenAudience,
      clock: systemClock,
      explain: explain('TokenReviews'),
    });
  }
  if (source) {
    const discovery = new Discovery({ kubeConfig, namespace: scope, log });
    await discovery.open();
    parts.configured = () => discovery.configured();
    parts.openRoutes = await openKubernetesRoutes(scope, log, kubeConfig, discovery);
  }
  return parts;
}

/** @throws ConfigError where proxies are to fetch from here what is not here */
function pluginOf({ filter: use }: Config, filter: FilterModule | undefined): AttacherOptions['plugin'] {
  if (!use) return undefined;
  const { agentHost, agentPort, url } = use;
  if (url.startsWith('oci://')) return { url, agentHost, agentPort };
  if (filter) return { url: `${url}${filterPath(filter)}`, sha256: filter.sha256, agentHost, agentPort };
  throw new ConfigError('WEIR_CONTROLLER_FILTER_URL names this controller, which was built without the filter');
}
