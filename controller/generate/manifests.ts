/** Every manifest of one route, in the order in which they are to be applied: subsets before the routes that name them. Pure. */
import { stringify } from 'yaml';
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

/** @returns none for a route of which fewer than two backends are Istio's subsets: there is nothing to choose */
export function manifestsOf(route: AdaptiveRoute): readonly Manifest[] {
  if (subsetsOf(route).length < 2) return [];
  const models = [destinationRuleOf(route), virtualServiceOf(route, initialWeights(route))];
  return models.map((model) => {
    model.validate();
    return model.toJSON() as Manifest;
  });
}

/** YAML documents, one after the other. */
export function manifestText(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest, { lineWidth: 0 })).join('---\n');
}
