/**
 * VirtualServices that a route names for adoption. What they said is kept in an annotation; their rules are taken over once, by force, since
 * whoever names one agrees to that. From then on nothing is forced: who sets the rules anew has them, and is told so on the route.
 */
import { adoptedRules, type HttpRule } from '../generate/adopt.ts';
import { nameFor } from '../generate/labels.ts';
import type { Manifest } from '../generate/manifests.ts';
import { fullHost, fullName, subsetsOf } from '../routes/clusters.ts';
import { withLeaving } from './leaving.ts';
import type { Found, Objects } from './objects.ts';
import { InTheWay } from './place.ts';
import type { Plan } from './plan.ts';

/** Name of the route, on what it has adopted. */
const ADOPTED_BY = 'weir.dev/adopted-by';
/** The rules before, as JSON. */
const BEFORE = 'weir.dev/http-before';
const API = 'networking.istio.io/v1beta1';

/** @returns whether that is all, as of `Place.put`, and whether what is adopted is for calls within the mesh @throws InTheWay */
export async function adopt(
  objects: Objects,
  { route, weights }: Plan,
  manifests: readonly Manifest[],
): Promise<{ readonly isWhole: boolean; readonly isOfMesh: boolean }> {
  const { namespace } = route.metadata;
  const name = route.spec.adopt?.virtualService ?? '';
  const found = await objects.get('VirtualService', namespace, name);
  if (!found)
    throw new InTheWay('NotThere', `spec.adopt names VirtualService ${namespace}/${name}, which is not there`);
  const adopter = found.metadata.labels?.[ADOPTED_BY];
  if (adopter !== undefined && adopter !== route.metadata.name) {
    throw new InTheWay(
      'HostTaken',
      `VirtualService ${namespace}/${name} is adopted by AdaptiveRoute ${namespace}/${adopter}`,
    );
  }
  const kept = adopter === undefined ? undefined : found.metadata.annotations?.[BEFORE];
  const before = kept === undefined ? (found.spec?.http ?? []) : rulesOf(kept);
  if (!before) {
    throw new InTheWay(
      'Conflict',
      `annotation ${BEFORE} of VirtualService ${namespace}/${name} holds no rules any more; write its rules as they are to be and take the annotation and label ${ADOPTED_BY} away`,
    );
  }
  const http = adoptedRules(before, route, weights);
  if (!http) {
    throw new InTheWay(
      'NothingToAdopt',
      `no rule of VirtualService ${namespace}/${name} leads to ${fullHost(route)} alone, so there is nothing to steer in it`,
    );
  }
  // Subsets before the rules that name them.
  let isWhole = true;
  for (const manifest of await missingRules(objects, { route, weights }, manifests)) {
    const there = await objects.get('DestinationRule', namespace, manifest.metadata.name);
    const ours = await objects.get('VirtualService', namespace, nameFor(route.metadata.name));
    const first = withLeaving(manifest, there, ours ? [found, ours] : [found]);
    await objects.apply(first.rule);
    isWhole &&= first.isWhole;
  }
  const applied = {
    apiVersion: API,
    kind: 'VirtualService',
    metadata: {
      ...{ name, namespace },
      labels: { [ADOPTED_BY]: route.metadata.name },
      annotations: { [BEFORE]: JSON.stringify(before) },
    },
    spec: { http },
  };
  await objects.apply(applied, { isForced: kept === undefined });
  return { isWhole, isOfMesh: (found.spec?.gateways ?? ['mesh']).includes('mesh') };
}

export interface Adopted {
  /** Name of the AdaptiveRoute, of the same namespace. */
  readonly route: string;
  readonly namespace: string;
  readonly name: string;
  /** Puts back what was there before. */
  readonly giveBack: () => Promise<void>;
}

export async function adoptedOnes(objects: Objects, scope: string | undefined): Promise<readonly Adopted[]> {
  const all = await objects.list('VirtualService', scope, ADOPTED_BY);
  return all.map((found) => {
    const { namespace, name, labels } = found.metadata;
    return { route: labels?.[ADOPTED_BY] ?? '', namespace, name, giveBack: () => giveBack(objects, found) };
  });
}

async function giveBack(objects: Objects, { metadata }: Found): Promise<void> {
  const { namespace, name, annotations } = metadata;
  const before = annotations?.[BEFORE];
  await objects.merge('VirtualService', namespace, name, {
    metadata: { labels: { [ADOPTED_BY]: null }, annotations: { [BEFORE]: null } },
    ...(before !== undefined && rulesOf(before) && { spec: { http: rulesOf(before) } }),
  });
}

/** Undefined where somebody has written something else into the annotation. */
function rulesOf(text: string): readonly HttpRule[] | undefined {
  try {
    const rules: unknown = JSON.parse(text);
    return Array.isArray(rules) ? rules : undefined;
  } catch {
    return undefined;
  }
}

/** None where every subset is one that somebody else's DestinationRule has. */
async function missingRules(
  objects: Objects,
  { route }: Plan,
  manifests: readonly Manifest[],
): Promise<readonly Manifest[]> {
  const { namespace } = route.metadata;
  const ours = new Set(manifests.map(({ metadata }) => metadata.name));
  const rules = await objects.list('DestinationRule', namespace);
  const known = rules
    .filter(
      ({ metadata, spec }) => !ours.has(metadata.name) && fullName(spec?.host ?? '', namespace) === fullHost(route),
    )
    .flatMap(({ spec }) => (spec?.subsets ?? []).map(({ name }) => name));
  return subsetsOf(route).every(({ name }) => known.includes(name)) ? [] : manifests;
}
