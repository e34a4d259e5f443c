/**
 * What the API server tells of a mesh, kept in step: Services, ServiceEntries, DestinationRules and VirtualServices of all that may be
 * read, and, only for the routes that ask for them, the pods or the EndpointSlices behind one Service. A cluster has many pods and
 * few such routes.
 */
import {
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  type KubeConfig,
  type KubernetesObject,
} from '@kubernetes/client-node';
import type { Configured } from '../graph/configured.ts';
import type { Log } from '../log.ts';
import { fullHost, fullName } from '../routes/clusters.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import { type BackendsFound, fromLabel, fromRule, ZONE_LABEL } from './backends.ts';
import {
  configuredOf,
  type DestinationRuleObject,
  type MeshObjects,
  type ServiceEntryObject,
  type ServiceObject,
  type VirtualServiceObject,
} from './configuration.ts';
import { Followed, type FollowOptions } from './follow.ts';

const NETWORKING = { group: 'networking.istio.io', version: 'v1beta1' };
/** Set by the cluster on each EndpointSlice. */
const SERVICE_NAME = 'kubernetes.io/service-name';

interface Pod extends KubernetesObject {
  readonly status?: { readonly phase?: string };
}
interface Slice extends KubernetesObject {
  readonly endpoints?: readonly { readonly zone?: string }[];
}

export interface DiscoveryOptions {
  readonly kubeConfig: KubeConfig;
  /** The only one that is looked at; undefined: all. */
  readonly namespace: string | undefined;
  readonly log: Log;
}

interface Index {
  /** By whole host. */
  readonly services: ReadonlyMap<string, ServiceObject>;
  readonly entries: ReadonlyMap<string, readonly ServiceEntryObject[]>;
  /** By `namespace/name`. */
  readonly rules: ReadonlyMap<string, DestinationRuleObject>;
}

type Kinds = { readonly [Kind in keyof MeshObjects]: Followed<MeshObjects[Kind][number] & KubernetesObject> };

export class Discovery {
  /** Called after something changed that a route's backends may come from. */
  onChange: () => void = () => {};
  private readonly options: DiscoveryOptions;
  private readonly kinds: Kinds;
  /** Pods or slices behind a Service, by what they are asked for. */
  private readonly behind = new Map<string, Followed<Pod> | Followed<Slice>>();
  private configuredNow: Configured | undefined;
  private indexNow: Index | undefined;

  /** Nothing is read before `open`. */
  constructor(options: DiscoveryOptions) {
    this.options = options;
    const { namespace, kubeConfig } = options;
    const core = kubeConfig.makeApiClient(CoreV1Api);
    this.kinds = {
      services: new Followed<ServiceObject & KubernetesObject>({
        ...this.follow('Services', `/api/v1${within(namespace)}/services`),
        list: () =>
          namespace === undefined ? core.listServiceForAllNamespaces() : core.listNamespacedService({ namespace }),
      }),
      serviceEntries: this.custom<ServiceEntryObject>('ServiceEntries', 'serviceentries'),
      destinationRules: this.custom<DestinationRuleObject>('DestinationRules', 'destinationrules'),
      virtualServices: this.custom<VirtualServiceObject>('VirtualServices', 'virtualservices'),
    };
    for (const followed of Object.values(this.kinds)) followed.onChange = () => this.changed();
  }

  /** Resolves once each kind is listed, or known not to be for us. */
  async open(): Promise<void> {
    await Promise.all(Object.values(this.kinds).map((followed) => followed.openIfAllowed()));
  }

  /** Undefined until everything is listed. */
  configured(): Configured | undefined {
    if (!Object.values(this.kinds).every(({ isListed }) => isListed)) return undefined;
    this.configuredNow ??= configuredOf(this.objects());
    return this.configuredNow;
  }

  /** @param route one with `spec.backendsFrom` */
  backendsOf(route: AdaptiveRoute): BackendsFound {
    const { label, destinationRule } = route.spec.backendsFrom ?? {};
    const { namespace } = route.metadata;
    if (destinationRule !== undefined) {
      if (!this.kinds.destinationRules.isListed)
        return { message: 'the API server has not listed its DestinationRules yet' };
      return fromRule(route, this.index().rules.get(`${namespace}/${destinationRule}`));
    }
    const watched = this.behind.get(keyOf(route, this.serviceOf(route)) ?? '');
    const isZone = label === ZONE_LABEL;
    const listed = watched?.isListed ? watched.list() : undefined;
    return fromLabel(route, label ?? '', {
      hasPods: watched !== undefined,
      pods: isZone ? undefined : (listed as readonly Pod[] | undefined)?.filter(isGoingOn).map(labelsOf),
      zones: isZone ? (listed as readonly Slice[] | undefined)?.flatMap(zonesOf) : undefined,
      entries: this.index().entries.get(fullHost(route)) ?? [],
    });
  }

  /** Looks behind the Services of these routes, and no others. Resolves once what is new is listed, or known not to be for us. */
  async lookBehind(routes: readonly AdaptiveRoute[]): Promise<void> {
    const wanted = new Map<string, { readonly route: AdaptiveRoute; readonly service: ServiceObject }>();
    for (const route of routes) {
      const service = this.serviceOf(route);
      const key = keyOf(route, service);
      if (service && key !== undefined) wanted.set(key, { route, service });
    }
    for (const [key, followed] of this.behind) {
      if (wanted.has(key)) continue;
      followed.close();
      this.behind.delete(key);
    }
    const opening: Promise<void>[] = [];
    for (const [key, { route, service }] of wanted) {
      if (this.behind.has(key)) continue;
      const followed = this.followBehind(route, service);
      followed.onChange = () => this.changed();
      this.behind.set(key, followed);
      opening.push(followed.openIfAllowed());
    }
    await Promise.all(opening);
  }

  close(): void {
    for (const followed of [...Object.values(this.kinds), ...this.behind.values()]) followed.close();
  }

  private changed(): void {
    this.configuredNow = undefined;
    this.indexNow = undefined;
    this.onChange();
  }

  private objects(): MeshObjects {
    const { services, serviceEntries, destinationRules, virtualServices } = this.kinds;
    return {
      services: services.list(),
      serviceEntries: serviceEntries.list(),
      destinationRules: destinationRules.list(),
      virtualServices: virtualServices.list(),
    };
  }

  private serviceOf(route: AdaptiveRoute): ServiceObject | undefined {
    return this.index().services.get(fullHost(route));
  }

  /** A cluster has thousands of them, and each route asks. */
  private index(): Index {
    if (this.indexNow) return this.indexNow;
    const { services, serviceEntries, destinationRules } = this.objects();
    const entries = new Map<string, ServiceEntryObject[]>();
    for (const entry of serviceEntries) {
      for (const host of entry.spec?.hosts ?? []) entries.set(host, [...(entries.get(host) ?? []), entry]);
    }
    this.indexNow = {
      services: new Map(
        services.map((service) => [fullName(service.metadata?.name ?? '', service.metadata?.namespace ?? ''), service]),
      ),
      entries,
      rules: new Map(destinationRules.map((rule) => [`${rule.metadata?.namespace}/${rule.metadata?.name}`, rule])),
    };
    return this.indexNow;
  }

  private followBehind(route: AdaptiveRoute, service: ServiceObject): Followed<Pod> | Followed<Slice> {
    const { kubeConfig } = this.options;
    const { name = '', namespace = '' } = service.metadata ?? {};
    if (route.spec.backendsFrom?.label === ZONE_LABEL) {
      const labelSelector = `${SERVICE_NAME}=${name}`;
      const discovery = kubeConfig.makeApiClient(DiscoveryV1Api);
      return new Followed<Slice>({
        ...this.follow('EndpointSlices', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
        labelSelector,
        list: () => discovery.listNamespacedEndpointSlice({ namespace, labelSelector }),
      });
    }
    const labelSelector = selectorOf(service);
    const core = kubeConfig.makeApiClient(CoreV1Api);
    return new Followed<Pod>({
      ...this.follow('Pods', `/api/v1/namespaces/${namespace}/pods`),
      labelSelector,
      list: () => core.listNamespacedPod({ namespace, labelSelector }),
    });
  }

  private custom<T>(what: string, plural: string): Followed<T & KubernetesObject> {
    const { namespace, kubeConfig } = this.options;
    const objects = kubeConfig.makeApiClient(CustomObjectsApi);
    const where = { ...NETWORKING, plural };
    return new Followed<T & KubernetesObject>({
      ...this.follow(what, `/apis/${NETWORKING.group}/${NETWORKING.version}${within(namespace)}/${plural}`),
      list: () =>
        namespace === undefined
          ? objects.listCustomObjectForAllNamespaces(where)
          : objects.listNamespacedCustomObject({ ...where, namespace }),
    });
  }

  private follow(what: string, path: string): Omit<FollowOptions<KubernetesObject>, 'list'> {
    const { kubeConfig, log } = this.options;
    return { kubeConfig, path, what, log };
  }
}

function within(namespace: string | undefined): string {
  return namespace === undefined ? '' : `/namespaces/${namespace}`;
}

/** What is looked at behind a route's Service; undefined where nothing can be. */
function keyOf({ spec }: AdaptiveRoute, service: ServiceObject | undefined): string | undefined {
  if (!service || spec.backendsFrom?.label === undefined || selectorOf(service) === '') return undefined;
  const { namespace, name } = service.metadata ?? {};
  return spec.backendsFrom.label === ZONE_LABEL
    ? `zones of ${namespace}/${name}`
    : `pods of ${namespace}/${selectorOf(service)}`;
}

function selectorOf({ spec }: ServiceObject): string {
  return Object.entries(spec?.selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

/** Neither ending nor ended. */
function isGoingOn({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function labelsOf({ metadata }: Pod): Readonly<Record<string, string>> {
  return metadata?.labels ?? {};
}

function zonesOf({ endpoints = [] }: Slice): string[] {
  return endpoints.map(({ zone = '' }) => zone);
}
