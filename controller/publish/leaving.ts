/**
 * Subsets that a route does not have any more, kept in its DestinationRule for as long as a VirtualService there names them: a proxy that
 * hears of the subsets before the routes would send calls to nowhere.
 */
import type { Manifest } from '../generate/manifests.ts';
import type { Found } from './objects.ts';

type Subset = NonNullable<NonNullable<Found['spec']>['subsets']>[number];

/**
 * @param rule as it is to be
 * @param ruleThere, @param routesThere as they are there
 * @returns the rule to apply before the routes, and whether that is all of it
 */
export function withLeaving(
  rule: Manifest,
  ruleThere: Found | undefined,
  routesThere: readonly Found[],
): { readonly rule: Manifest; readonly isWhole: boolean } {
  const { spec } = rule as Manifest & { readonly spec: { readonly subsets: readonly Subset[] } };
  const wanted = new Set(spec.subsets.map(({ name }) => name));
  const named = new Set(
    routesThere
      .flatMap(({ spec: routes }) => routes?.http ?? [])
      .flatMap(({ route = [] }) => route.map(({ destination }) => destination.subset)),
  );
  const leaving = (ruleThere?.spec?.subsets ?? []).filter(({ name }) => !wanted.has(name) && named.has(name));
  if (leaving.length === 0) return { rule, isWhole: true };
  return { rule: { ...rule, spec: { ...spec, subsets: [...spec.subsets, ...leaving] } } as Manifest, isWhole: false };
}
