/**
 * A VirtualService that somebody has written already, with what the filter needs put into it: before each rule that leads to the service,
 * a copy per backend that also matches the filter's header, and in the rule itself the weights of the table. Whatever else a rule has
 * (matches, timeouts, retries, mirrors) its copies have too; rules that lead elsewhere stay as they are. Pure.
 */
import type { Weights } from '../decide/policy.ts';
import { fullHost, fullName, subsetsOf } from '../routes/clusters.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import { BACKEND_HEADER } from './envoy.ts';

interface Destination {
  readonly host: string;
  readonly subset?: string;
  readonly port?: { readonly number?: number };
}

/** As far as it is read here. */
export interface HttpRule {
  readonly name?: string;
  readonly match?: readonly { readonly headers?: Readonly<Record<string, unknown>> }[];
  readonly route?: readonly { readonly destination: Destination; readonly weight?: number }[];
}

/** @returns undefined where no rule leads to the service alone */
export function adoptedRules(
  rules: readonly HttpRule[],
  route: AdaptiveRoute,
  weights: Weights,
): readonly HttpRule[] | undefined {
  if (!rules.some((rule) => leadsTo(rule, route))) return undefined;
  return rules.flatMap((rule, i) => (leadsTo(rule, route) ? steered(rule, i, route, weights) : [rule]));
}

function leadsTo({ route: targets = [] }: HttpRule, route: AdaptiveRoute): boolean {
  const host = fullHost(route);
  const names = subsetsOf(route).map(({ name }) => name);
  return (
    targets.length > 0 &&
    targets.every(
      ({ destination: { host: to, subset, port } }) =>
        fullName(to, route.metadata.namespace) === host &&
        (subset === undefined || names.includes(subset)) &&
        (port?.number === undefined || port.number === route.spec.port),
    )
  );
}

function steered(rule: HttpRule, index: number, route: AdaptiveRoute, weights: Weights): readonly HttpRule[] {
  const backends = subsetsOf(route).map(({ name }) => {
    const own = rule.route?.find(({ destination }) => destination.subset === name) ?? rule.route?.[0];
    const host = own?.destination.host ?? fullHost(route);
    return { name, target: { ...own, destination: { ...own?.destination, host, subset: name } } };
  });
  const copies = backends.map(({ name, target }) => {
    const { weight: _, ...whole } = target;
    const match = (rule.match ?? [{}]).map((each) => ({
      ...each,
      headers: { ...each.headers, [BACKEND_HEADER]: { exact: name } },
    }));
    return { ...rule, name: `weir-${name}-${index + 1}`, match, route: [whole] };
  });
  return [
    ...copies,
    { ...rule, route: backends.map(({ name, target }) => ({ ...target, weight: weights[name] ?? 0 })) },
  ];
}
