/** Every manifest of one route, in the order in which they are to be applied: subsets before the routes that name them. Pure. */
import { stringify } from 'yaml';
import type { Weights } from '../decide/policy.ts';
import { initialWeights } from '../decide/weights.ts';
import { subsetsOf } from '../routes/clusters.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import { destinationRuleOf, virtualServiceOf } from './istio.ts';

/** Plain data. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** Whether two backends at least are Istio's subsets: otherwise there is nothing to choose. */
export function isWritable(route: AdaptiveRoute): boolean {
  return subsetsOf(route).length >= 2;
}

/**
 * @param weights of the plain route, out of 10,000
 * @returns none for a route that is not writable, and for one whose VirtualService and subsets are there already, by its own word
 */
export function manifestsOf(route: AdaptiveRoute, weights: Weights = initialWeights(route)): readonly Manifest[] {
  if (!isWritable(route)) return [];
  const { adopt, backendsFrom } = route.spec;
  const rules = backendsFrom?.destinationRule === undefined ? [plain(destinationRuleOf(route))] : [];
  // One that is adopted is there already, and is changed there.
  return adopt ? rules : [...rules, virtualServiceManifest(route, weights)];
}

/** The VirtualService by itself. */
export function virtualServiceManifest(route: AdaptiveRoute, weights: Weights): Manifest {
  return plain(virtualServiceOf(route, weights));
}

function plain(model: { validate(): void; toJSON(): unknown }): Manifest {
  model.validate();
  return model.toJSON() as Manifest;
}

/** Of the file that holds a route's manifests. What joins the two is in neither. */
export function fileNameOf({ metadata }: AdaptiveRoute): string {
  return `${metadata.namespace}_${metadata.name}.yaml`;
}

/** YAML documents, one after the other. */
export function manifestText(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest, { lineWidth: 0 })).join('---\n');
}
