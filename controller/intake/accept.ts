/**
 * Which AdaptiveRoutes of a cluster can be in force together, and what is wrong with the others. Each is judged by itself, so that
 * one team's mistake is no other team's trouble; of two that want the same service the older one has it. An edit that is
 * wrong leaves what was in force before it. Pure.
 */
import { checkRoute, checkTogether } from '../routes/check.ts';
import { KNOWN_POLICIES, readRoute } from '../routes/parse.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import type { BackendsFound } from './backends.ts';

/** An AdaptiveRoute as the API server holds it. */
export interface RouteObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
    /** RFC 3339 */
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

export interface Acceptance {
  readonly object: RouteObject;
  /** What is in force of it: an older version where the present one is wrong; absent: nothing. */
  readonly route?: AdaptiveRoute;
  readonly reason: 'Valid' | 'Invalid' | 'Conflict' | 'NoBackends';
  /** One sentence per wrong field. */
  readonly message: string;
}

/**
 * @param before what was in force, by uid
 * @param find the backends of a route that leaves them to the API server
 */
export function acceptAll(
  objects: readonly RouteObject[],
  before: ReadonlyMap<string, AdaptiveRoute>,
  find: (route: AdaptiveRoute) => BackendsFound,
): readonly Acceptance[] {
  const judged = [...objects].sort(byAge(before)).map((object) => judge(object, before.get(object.metadata.uid), find));
  const routes = judged.flatMap(({ route }) => route ?? []);
  if (checkTogether(routes).length === 0) return judged;
  const inForce: { readonly route: AdaptiveRoute; readonly name: string }[] = [];
  return judged.map((acceptance) => {
    const { route, object } = acceptance;
    if (!route) return acceptance;
    const [clash] = checkTogether([...inForce.map((each) => each.route), route]);
    if (!clash) {
      inForce.push({ route, name: nameOf(object) });
      return acceptance;
    }
    const owner = inForce[clash.owner]?.name;
    return { object, reason: 'Conflict', message: `${clash.problem.message} (${owner} came first)` };
  });
}

function judge(
  object: RouteObject,
  before: AdaptiveRoute | undefined,
  find: (route: AdaptiveRoute) => BackendsFound,
): Acceptance {
  const { apiVersion, kind, spec } = object;
  const { name, namespace, labels, annotations } = object.metadata;
  const metadata = { name, namespace, ...(labels && { labels }), ...(annotations && { annotations }) };
  const said = readRoute({ apiVersion, kind, metadata, spec });
  const problems = said.problems.map(({ message }) => message);
  if (!said.route || problems.length > 0) return held(object, 'Invalid', problems, before);
  if (!said.route.spec.backendsFrom)
    return { object, route: said.route, reason: 'Valid', message: 'every field is right' };
  const { route, message } = find(said.route);
  if (!route) return held(object, 'NoBackends', [message], before);
  const found = checkRoute(route, KNOWN_POLICIES).map((problem) => `${problem.message} (${message})`);
  if (found.length > 0) return held(object, 'Invalid', found, before);
  return { object, route, reason: 'Valid', message: `every field is right; ${message}` };
}

/** One that is wrong as it stands. */
function held(
  object: RouteObject,
  reason: Acceptance['reason'],
  problems: readonly string[],
  before: AdaptiveRoute | undefined,
): Acceptance {
  const message = problems.join('; ');
  if (!before) return { object, reason, message };
  return { object, route: before, reason, message: `${message}; what was in force before stays` };
}

/** namespace/name */
export function nameOf({ metadata }: RouteObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** The older first; of those of one second who was in force before, since a second is all that the API server says. */
function byAge(before: ReadonlyMap<string, AdaptiveRoute>): (a: RouteObject, b: RouteObject) => number {
  const keyOf = (object: RouteObject) => {
    const { creationTimestamp, uid } = object.metadata;
    return `${creationTimestamp} ${before.has(uid) ? 0 : 1} ${nameOf(object)}`;
  };
  return (a, b) => (keyOf(a) < keyOf(b) ? -1 : 1);
}
