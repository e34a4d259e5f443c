/** Manifests from what a person names: files of routes, or a controller that has them, their weights and what is called. */
import type { Weights } from '../decide/policy.ts';
import type { Manifest } from '../generate/manifests.ts';
import type { CalledBy } from '../graph/called.ts';
import type { ConfiguredReading, RoutedHost } from '../graph/configured.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import type { ServiceStatus } from '../steer/status.ts';
import { Client, CommandError, DEFAULT_URL } from './client.ts';

const DAY_MS = 24 * 3_600_000;
export const DEFAULT_LEARN_DAYS = '7';
/** Of the controller, where the chart has it. */
export const IN_CLUSTER_URL = 'http://weir-controller.weir-system.svc.cluster.local:15900';

export interface Gathering {
  /** Path, or http:// or https:// of a controller. */
  readonly from: string;
  readonly sidecars: boolean;
  readonly learnDays: string;
  readonly allow: readonly string[];
  /** Of the controller, as KEDA reaches it. */
  readonly controllerUrl: string;
}

/** What is steered: routes, and from a controller what becomes of them. */
export interface Found {
  readonly routes: readonly AdaptiveRoute[];
  readonly services?: readonly ServiceStatus[];
}

/** What belongs together, in the order in which it is to be applied. */
export interface Gathered {
  /** Name of the file that it is written to. */
  readonly file: string;
  readonly manifests: readonly Manifest[];
}

/** @throws CommandError, RouteError */
export async function gather(options: Gathering): Promise<readonly Gathered[]> {
  const { from, sidecars, learnDays, allow, controllerUrl } = options;
  if (sidecars && !isUrl(from)) {
    throw new CommandError(
      `--sidecars needs a controller, which knows what is called; --from is ${from}, for example ${DEFAULT_URL}`,
    );
  }
  const { plansOf } = await import('../publish/plan.ts');
  const { routes, services } = await findRoutes(from);
  const gathered = [
    ...(await ofRoutes(services ? plansOf(routes, services) : routes.map((route) => ({ route })))),
    ...(await ofScales(routes, controllerUrl)),
  ];
  if (sidecars) {
    const client = new Client({ url: from });
    const { workloads } = await client.get<{ workloads: readonly CalledBy[] }>('/v1/calls');
    const routed = await routedBy(client);
    return [...gathered, ...(await ofWorkloads(workloads, routed, learnMsOf(learnDays), allow))];
  }
  if (gathered.length > 0) return gathered;
  const who = services ? `the controller at ${from} enforces` : `${from} has`;
  throw new CommandError(
    `${who} no route with two backends that are Istio's subsets, and none with a backend to scale`,
  );
}

/** @param from path of files, or URL of a controller @throws CommandError, RouteError */
export async function findRoutes(from: string): Promise<Found> {
  if (!isUrl(from)) {
    const { loadWholeRoutes } = await import('../routes/load.ts');
    return { routes: loadWholeRoutes(from) };
  }
  const client = new Client({ url: from });
  const { routes } = await client.get<{ routes: readonly AdaptiveRoute[] }>('/v1/routes');
  const { services } = await client.get<{ services: readonly ServiceStatus[] }>('/v1/services');
  return { routes, services };
}

function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text);
}

async function ofRoutes(
  plans: readonly { readonly route: AdaptiveRoute; readonly weights?: Weights }[],
): Promise<readonly Gathered[]> {
  const { fileNameOf, manifestsOf } = await import('../generate/manifests.ts');
  const all = plans.map(({ route, weights }) => ({ route, manifests: manifestsOf(route, weights) }));
  const names = all
    .filter(({ manifests }) => manifests.length === 0)
    .map(({ route: { metadata } }) => `${metadata.namespace}/${metadata.name}`);
  if (names.length > 0)
    note(`no VirtualService for ${names.join(', ')}: its clusters are not those of Istio's subsets`);
  return all
    .filter(({ manifests }) => manifests.length > 0)
    .map(({ route, manifests }) => ({ file: fileNameOf(route), manifests }));
}

/** A host whose VirtualService leads elsewhere is not seen to be called, so it has to be known by its configuration. */
async function routedBy(client: Client): Promise<readonly RoutedHost[]> {
  try {
    return (await client.get<ConfiguredReading>('/v1/configured')).routed;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    note(`${error.message}; a host whose VirtualService leads to another has to be named with --allow`);
    return [];
  }
}

async function ofScales(routes: readonly AdaptiveRoute[], controllerUrl: string): Promise<readonly Gathered[]> {
  const { scaledObjectsOf } = await import('../generate/scaling.ts');
  if (!isUrl(controllerUrl) || !URL.canParse(controllerUrl)) {
    throw new CommandError(`--controller-url is ${controllerUrl}; it must be a URL, for example ${IN_CLUSTER_URL}`);
  }
  return routes
    .map((route) => ({ route, manifests: scaledObjectsOf(route, controllerUrl) }))
    .filter(({ manifests }) => manifests.length > 0)
    .map(({ route: { metadata }, manifests }) => ({
      file: `${metadata.namespace}_${metadata.name}_scaling.yaml`,
      manifests,
    }));
}

async function ofWorkloads(
  workloads: readonly CalledBy[],
  routed: readonly RoutedHost[],
  learnMs: number,
  allow: readonly string[],
): Promise<readonly Gathered[]> {
  const { ALWAYS_ALLOWED, sidecarsOf } = await import('../generate/sidecar.ts');
  const wrong = allow.find((host) => !/^(\*|[a-z0-9-]+)\/\S+$/.test(host));
  if (wrong !== undefined) {
    throw new CommandError(
      `--allow is ${wrong}; it must be NAMESPACE/HOST, for example monitoring/* or */api.example.com`,
    );
  }
  const rules = { learnMs, routed, allow: [...ALWAYS_ALLOWED, ...allow], nowMs: Date.now() };
  const { manifests, learning } = sidecarsOf(workloads, rules);
  if (learning.length > 0) note(`still learning, no Sidecar yet: ${learning.join(', ')}`);
  return manifests.map((manifest) => ({
    file: `${manifest.metadata.namespace}_${manifest.metadata.name}_sidecar.yaml`,
    manifests: [manifest],
  }));
}

function learnMsOf(days: string): number {
  if (/^\d+(\.\d+)?$/.test(days)) return Number(days) * DAY_MS;
  throw new CommandError(`--learn-days is ${days}; it must be a number of days, for example ${DEFAULT_LEARN_DAYS}`);
}

function note(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
