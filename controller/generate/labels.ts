/** How everything that Weir writes into a cluster says that it is Weir's, and why it is there. */
import type { AdaptiveRoute } from '../routes/route.ts';

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
/** Label selector of what Weir has made. */
export const OURS = `${MANAGED_BY}=weir`;
const ROUTE_LABEL = 'weir.dev/route';
/** One line for each thing that was decided: `loadBalancer: ...`. */
export const WHY = 'weir.dev/why';

/** Metadata of an object made for a route. @param why a sentence by the field that it is about */
export function metadataFor(
  { metadata }: AdaptiveRoute,
  why: Readonly<Record<string, string>>,
): {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
} {
  const lines = Object.entries(why).map(([field, reason]) => `${field}: ${reason}`);
  return {
    name: nameFor(metadata.name),
    namespace: metadata.namespace,
    labels: { [MANAGED_BY]: 'weir', [ROUTE_LABEL]: labelOf(metadata.name) },
    annotations: { [WHY]: lines.join('\n') },
  };
}

/** Name of what is made for a route of this name. */
export function nameFor(routeName: string): string {
  return `weir-${routeName}`;
}

/** Whether an object is one that Weir has made. */
export function isOurs(object: unknown): boolean {
  const { metadata } = (object ?? {}) as { metadata?: { labels?: Readonly<Record<string, string>> } };
  return metadata?.labels?.[MANAGED_BY] === 'weir';
}

/** A label takes 63 characters, a name 253: a longer one is cut. */
function labelOf(name: string): string {
  return name.slice(0, 63).replace(/[^a-z0-9]+$/, '');
}
