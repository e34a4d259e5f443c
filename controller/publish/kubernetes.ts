/**
 * A route's manifests in a Kubernetes API server. A VirtualService belongs to its AdaptiveRoute, so the cluster takes it away with that. A
 * DestinationRule belongs to nobody: the cluster would not wait until proxies have let go of what names its subsets, and we do.
 */
import { isOurs, nameFor, OURS } from '../generate/labels.ts';
import { isWritable, type Manifest, virtualServiceManifest } from '../generate/manifests.ts';
import { orNothing } from '../intake/api-server.ts';
import { fullHost, fullName } from '../routes/clusters.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import { type Adopted, adopt, adoptedOnes } from './adopt.ts';
import { withLeaving } from './leaving.ts';
import { type Found, type Kind, kindOf, type Objects, type Owner } from './objects.ts';
import { InTheWay, keyOf, type Orphan, type Place } from './place.ts';
import type { Plan } from './plan.ts';

export class Cluster implements Place {
  readonly name = 'the cluster';
  private readonly objects: Objects;
  private readonly namespace: string | undefined;
  /** Whether what a route adopts is for calls within the mesh, by key of the route; not there: not known yet. */
  private readonly adoptsOfMesh = new Map<string, boolean>();

  /** @param namespace the only one that is written to; undefined: all */
  constructor(objects: Objects, namespace: string | undefined) {
    this.objects = objects;
    this.namespace = namespace;
  }

  async put(plan: Plan, manifests: readonly Manifest[]): Promise<boolean> {
    const { objects } = this;
    const { route } = plan;
    await this.refuseOtherRoutes(route);
    if (route.spec.adopt) return this.putAdopting(plan, manifests);
    const service = manifests.find(({ kind }) => kind === 'VirtualService');
    if (!service) throw new RangeError('a route that adopts none makes a VirtualService');
    const there = await refuseStrangers(objects, manifests);
    const known = there.get('VirtualService');
    // None where the route's subsets are those of somebody else's.
    const whole = manifests.find(({ kind }) => kind === 'DestinationRule');
    const first = whole && withLeaving(whole, there.get('DestinationRule'), known ? [known] : []);
    if (first) await objects.apply(first.rule);
    await objects.apply(service, { owner: await this.ownerOf(route) });
    return first?.isWhole ?? true;
  }

  /** A VirtualService of gateways alone says nothing of calls within the mesh, so those have one of ours. */
  private async putAdopting(plan: Plan, manifests: readonly Manifest[]): Promise<boolean> {
    const { route, weights } = plan;
    const { isWhole, isOfMesh } = await adopt(this.objects, plan, manifests);
    this.adoptsOfMesh.set(keyOf(route), isOfMesh);
    if (isOfMesh) return isWhole;
    const service = virtualServiceManifest(route, weights);
    await refuseStrangers(this.objects, [service]);
    await this.objects.apply(service, { owner: await this.ownerOf(route) });
    return isWhole;
  }

  async orphans(kept: readonly AdaptiveRoute[]): Promise<readonly Orphan[]> {
    const stay = new Set(kept.flatMap((route) => this.namesOf(route)));
    const keptNames = new Set(kept.map(({ metadata }) => `${metadata.namespace}/${nameFor(metadata.name)}`));
    const orphans: Orphan[] = [];
    for (const kind of ['VirtualService', 'DestinationRule'] as const) {
      for (const { metadata } of await this.objects.list(kind, this.namespace, OURS)) {
        const { name, namespace } = metadata;
        if (stay.has(`${kind} ${namespace}/${name}`)) continue;
        // A route that is kept and does not ask for it, by adopting another, has no use for it.
        if (!keptNames.has(`${namespace}/${name}`) && (await this.isAskedFor(namespace, name))) continue;
        orphans.push(removable(this.objects, kind, namespace, name));
      }
    }
    const adopters = new Map(
      kept.map((route) => [keyOf(route), isWritable(route) ? route.spec.adopt?.virtualService : undefined]),
    );
    for (const adopted of await adoptedOnes(this.objects, this.namespace)) {
      const { namespace, route, name } = adopted;
      const key = `${namespace}/${route}`;
      if (adopters.get(key) === name) continue;
      if (!adopters.has(key) && (await this.isAskedFor(namespace, nameFor(route)))) continue;
      orphans.push(orphanOf(adopted));
    }
    return orphans;
  }

  /** Of two VirtualServices of one host Istio obeys the older, without a word: ours would do nothing. Also one of ours, for another port. */
  private async refuseOtherRoutes(route: AdaptiveRoute): Promise<void> {
    const host = fullHost(route);
    const { namespace } = route.metadata;
    const other = (await this.objects.list('VirtualService', namespace)).find(
      ({ metadata, spec }) =>
        metadata.name !== nameFor(route.metadata.name) &&
        metadata.name !== route.spec.adopt?.virtualService &&
        (spec?.gateways ?? ['mesh']).includes('mesh') &&
        spec?.hosts?.some((known) => fullName(known, namespace) === host),
    );
    if (!other) return;
    throw new InTheWay(
      'HostTaken',
      `VirtualService ${namespace}/${other.metadata.name} routes ${host} already, and of two Istio obeys the older; name it in spec.adopt.virtualService, or take the host out of it`,
    );
  }

  /** What a route that stays is to have. */
  private namesOf(route: AdaptiveRoute): string[] {
    const { metadata, spec } = route;
    if (!isWritable(route)) return [];
    const name = `${metadata.namespace}/${nameFor(metadata.name)}`;
    const isRuleOurs = spec.backendsFrom?.destinationRule === undefined;
    const isServiceOurs = !spec.adopt || this.adoptsOfMesh.get(keyOf(route)) !== true;
    return [...(isRuleOurs ? [`DestinationRule ${name}`] : []), ...(isServiceOurs ? [`VirtualService ${name}`] : [])];
  }

  /** An object whose route is in the cluster to be enforced stays, also where the route as it stands cannot be in force. */
  private async isAskedFor(namespace: string, objectName: string): Promise<boolean> {
    const route = await this.objects.get('AdaptiveRoute', namespace, objectName.slice(nameFor('').length));
    return route !== undefined && (route.spec?.mode ?? 'enforce') === 'enforce';
  }

  private async ownerOf({ apiVersion, kind, metadata }: AdaptiveRoute): Promise<Owner | undefined> {
    const found = await this.objects.get('AdaptiveRoute', metadata.namespace, metadata.name);
    return found && { apiVersion, kind, name: metadata.name, uid: found.metadata.uid };
  }
}

/** All that Weir has put into a cluster, whoever asks for it, in the order in which it may go. @param namespace undefined: all */
export async function everythingOfOurs(objects: Objects, namespace: string | undefined): Promise<readonly Orphan[]> {
  // A kind that is not known, since Istio's definitions went first, has nothing.
  const made = async (kind: Kind) =>
    ((await orNothing(objects.list(kind, namespace, OURS))) ?? []).map(({ metadata }) =>
      removable(objects, kind, metadata.namespace, metadata.name),
    );
  const adopted = ((await orNothing(adoptedOnes(objects, namespace))) ?? []).map(orphanOf);
  return [
    ...(await made('WasmPlugin')),
    ...adopted,
    ...(await made('VirtualService')),
    ...(await made('DestinationRule')),
  ];
}

function orphanOf({ namespace, name, giveBack }: Adopted): Orphan {
  return { name: `what was put into VirtualService ${namespace}/${name}`, isNamedByOthers: false, remove: giveBack };
}

function removable(objects: Objects, kind: Kind, namespace: string, name: string): Orphan {
  return {
    name: `${kind} ${namespace}/${name}`,
    isNamedByOthers: kind === 'DestinationRule',
    remove: () => objects.remove(kind, namespace, name),
  };
}

/** @returns what is there already, by kind @throws InTheWay where Weir has not made it */
export async function refuseStrangers(
  objects: Objects,
  manifests: readonly Manifest[],
): Promise<ReadonlyMap<string, Found>> {
  const known = new Map<string, Found>();
  for (const { kind, metadata } of manifests) {
    const { name, namespace } = metadata;
    const found = await objects.get(kindOf(kind), namespace, name);
    if (found && !isOurs(found)) {
      throw new InTheWay(
        'NotOurs',
        `${kind} ${namespace}/${name} is there and Weir has not made it; rename or remove it`,
      );
    }
    if (found) known.set(kind, found);
  }
  return known;
}
