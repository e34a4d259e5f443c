/**
 * The backends of a route that leaves them to the API server: the subsets of a DestinationRule, or the values that a label has on what
 * stands behind the host. What the route says of a backend by its name counts for the one that is found. Pure.
 */
import { Default } from 'typebox/value';
import { fullHost, fullName, withClusters } from '../routes/clusters.ts';
import { type AdaptiveRoute, Backend } from '../routes/route.ts';
import { type DestinationRuleObject, type ServiceEntryObject, sayObject } from './configuration.ts';

export const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** Istio puts it on endpoints; no pod has it. */
const CLUSTER_LABEL = 'topology.istio.io/cluster';
const MOST_BACKENDS = 64;

/** What stands behind one host, as far as the API server has told; undefined where it has not told yet. */
export interface Behind {
  /** Labels of each pod that is not ending. */
  readonly pods: readonly Readonly<Record<string, string>>[] | undefined;
  /** Zone of each endpoint, '' where it has none. */
  readonly zones: readonly string[] | undefined;
  /** Of the host, where it is no Service of the cluster. */
  readonly entries: readonly ServiceEntryObject[];
  /** Whether there is a Service with a selector. */
  readonly hasPods: boolean;
}

export interface BackendsFound {
  /** The route with its backends; absent: there are none to work with. */
  readonly route?: AdaptiveRoute;
  /** A sentence for its owner. */
  readonly message: string;
}

interface Candidate {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone?: string;
}

export function fromRule(route: AdaptiveRoute, rule: DestinationRuleObject | undefined): BackendsFound {
  const { namespace } = route.metadata;
  const where = `DestinationRule ${namespace}/${route.spec.backendsFrom?.destinationRule}`;
  if (!rule) return { message: `spec.backendsFrom names ${where}, which is not there` };
  const host = fullName(rule.spec?.host ?? '', namespace);
  if (host !== fullHost(route)) {
    return { message: `spec.backendsFrom names ${where}, which is for ${host}; it must be for ${fullHost(route)}` };
  }
  const subsets = rule.spec?.subsets ?? [];
  const candidates = subsets.map(({ name, labels = {} }) => ({ name, labels }));
  return filled(route, candidates, `subsets of ${sayObject('DestinationRule', rule)}`);
}

export function fromLabel(route: AdaptiveRoute, label: string, behind: Behind): BackendsFound {
  if (label === CLUSTER_LABEL) {
    return {
      message: `spec.backendsFrom.label is ${label}, and no API server knows which clusters a mesh has; name them in spec.backends, each with labels {${label}: NAME}`,
    };
  }
  const values = valuesOf(label, behind);
  if (values === undefined) {
    const isUnknown = !behind.hasPods && behind.entries.length === 0;
    return {
      message: isUnknown
        ? `there is no Service with a selector and no ServiceEntry for ${fullHost(route)}, so nothing can be told of its backends`
        : `the API server has not told yet what stands behind ${fullHost(route)}`,
    };
  }
  const named = [...new Set(values.filter((value) => value !== ''))].sort();
  const without = values.filter((value) => value === '').length;
  const names = named.map(nameOf);
  const twin = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twin >= 0) {
    const first = named[names.indexOf(names[twin] ?? '')];
    return {
      message: `label ${label} has the values ${first} and ${named[twin]}, which are one name, ${names[twin]}, for Istio; change one`,
    };
  }
  const candidates = named.map((value, index): Candidate => {
    const name = names[index] ?? '';
    return { name, labels: { [label]: value }, ...(label === ZONE_LABEL && { zone: value }) };
  });
  const rest = without === 0 ? '' : `; ${without} without it ${without === 1 ? 'gets' : 'get'} no steered call`;
  return filled(route, candidates, `values of label ${label}${rest}`);
}

/** One for each pod or endpoint; '' where it has no such label. */
function valuesOf(label: string, { pods, zones, entries, hasPods }: Behind): readonly string[] | undefined {
  const listed = entries.flatMap(({ spec }) => spec?.endpoints ?? []);
  const ofEntries = listed.map(({ labels = {}, locality = '' }) =>
    label === ZONE_LABEL ? (labels[label] ?? locality.split('/')[1] ?? '') : (labels[label] ?? ''),
  );
  if (!hasPods) return entries.length > 0 ? ofEntries : undefined;
  const ofPods = label === ZONE_LABEL ? zones : pods?.map((labels) => labels[label] ?? '');
  return ofPods && [...ofPods, ...ofEntries];
}

function filled(route: AdaptiveRoute, candidates: readonly Candidate[], what: string): BackendsFound {
  const { spec } = route;
  if (candidates.length === 0) return { message: `there is no backend yet: none among the ${what}` };
  if (candidates.length > MOST_BACKENDS) {
    return { message: `there are ${candidates.length} ${what}; a route takes at most ${MOST_BACKENDS} backends` };
  }
  const known = new Map(spec.backends.map((backend) => [backend.name, backend]));
  const backends = candidates.map(
    ({ name, labels, zone }) =>
      Default(Backend, {
        ...(zone !== undefined && { zone }),
        ...known.get(name),
        name,
        labels,
        cluster: '',
      }) as Backend,
  );
  return {
    route: withClusters({ ...route, spec: { ...spec, backends } }),
    message: `backends ${backends.map(({ name }) => name).join(', ')} are the ${what}`,
  };
}

/** A label's value as the name of a subset, which holds only small letters, digits and dashes. */
function nameOf(value: string): string {
  return value.toLowerCase().replace(/[^a-z0-9-]/g, '-');
}
