/**
 * What a cluster's own objects say of its mesh, in the words of the graph: which clusters istiod gives to every proxy, and which host's
 * calls a VirtualService sends elsewhere. Pure.
 */
import type { Configured, ConfiguredCluster, RoutedHost } from '../graph/configured.ts';
import { clusterNamed, fullName } from '../routes/clusters.ts';

interface Named {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}
type Labels = Readonly<Record<string, string>>;

/** As far as they are read here; whatever else is in them is not looked at. */
export interface ServiceObject extends Named {
  readonly spec?: { readonly ports?: readonly { readonly port: number }[]; readonly selector?: Labels };
}
export interface ServiceEntryObject extends Named {
  readonly spec?: {
    readonly hosts?: readonly string[];
    readonly ports?: readonly { readonly number: number }[];
    readonly endpoints?: readonly { readonly labels?: Labels; readonly locality?: string }[];
  };
}
export interface DestinationRuleObject extends Named {
  readonly spec?: {
    readonly host?: string;
    readonly subsets?: readonly { readonly name: string; readonly labels?: Labels }[];
  };
}
export interface VirtualServiceObject extends Named {
  readonly spec?: {
    readonly hosts?: readonly string[];
    readonly gateways?: readonly string[];
    readonly http?: readonly {
      readonly route?: readonly { readonly destination: { readonly host: string } }[];
      readonly mirror?: { readonly host: string };
      readonly mirrors?: readonly { readonly destination: { readonly host: string } }[];
    }[];
  };
}

export interface MeshObjects {
  readonly services: readonly ServiceObject[];
  readonly serviceEntries: readonly ServiceEntryObject[];
  readonly destinationRules: readonly DestinationRuleObject[];
  readonly virtualServices: readonly VirtualServiceObject[];
}

export function configuredOf(objects: MeshObjects): Configured {
  return { clusters: [...wholeClusters(objects), ...subsetClusters(objects)], routed: routedHosts(objects) };
}

/** `Service shop/search` */
export function sayObject(kind: string, { metadata }: Named): string {
  return `${kind} ${metadata?.namespace}/${metadata?.name}`;
}

/** One for each port of each host. */
function wholeClusters({ services, serviceEntries }: MeshObjects): ConfiguredCluster[] {
  const clusters: ConfiguredCluster[] = [];
  const add = (host: string, port: number, by: string) =>
    clusters.push({ cluster: clusterNamed(host, port), service: `${host}:${port}`, by });
  for (const service of services) {
    const { name = '', namespace = '' } = service.metadata ?? {};
    for (const { port } of service.spec?.ports ?? [])
      add(fullName(name, namespace), port, sayObject('Service', service));
  }
  for (const entry of serviceEntries) {
    for (const host of entry.spec?.hosts ?? []) {
      for (const { number } of entry.spec?.ports ?? []) add(host, number, sayObject('ServiceEntry', entry));
    }
  }
  return clusters;
}

/** One for each subset on each port of its host. */
function subsetClusters(objects: MeshObjects): ConfiguredCluster[] {
  const portsByHost = new Map<string, number[]>();
  for (const { service } of wholeClusters(objects)) {
    const colon = service.lastIndexOf(':');
    const host = service.slice(0, colon);
    portsByHost.set(host, [...(portsByHost.get(host) ?? []), Number(service.slice(colon + 1))]);
  }
  return objects.destinationRules.flatMap((rule) => {
    const host = fullName(rule.spec?.host ?? '', rule.metadata?.namespace ?? '');
    const by = sayObject('DestinationRule', rule);
    return (rule.spec?.subsets ?? []).flatMap(({ name }) =>
      (portsByHost.get(host) ?? []).map((port) => ({
        ...{ cluster: clusterNamed(host, port, name), service: `${host}:${port}`, backend: name, by },
      })),
    );
  });
}

/** Within the mesh: what gateways do with their hosts is no caller's business. */
function routedHosts({ virtualServices }: MeshObjects): RoutedHost[] {
  return virtualServices.flatMap((each) => {
    const { hosts = [], gateways = ['mesh'], http = [] } = each.spec ?? {};
    if (!gateways.includes('mesh')) return [];
    const namespace = each.metadata?.namespace ?? '';
    const targets = new Set(
      http.flatMap(({ route = [], mirror, mirrors = [] }) =>
        [...[...route, ...mirrors].map(({ destination }) => destination), ...(mirror ? [mirror] : [])].map(({ host }) =>
          fullName(host, namespace),
        ),
      ),
    );
    const by = sayObject('VirtualService', each);
    return hosts
      .map((host) => fullName(host, namespace))
      .flatMap((host) => [...targets].filter((to) => to !== host).map((to) => ({ host, to, by })));
  });
}
