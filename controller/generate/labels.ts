/** How everything that Weir writes into a cluster says that it is Weir's, and why it is there. */
import type { AdaptiveRoute } from '../routes/route.ts';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const ROUTE_LABEL = 'weir.dev/route';
/** One line for each thing that was decided: `loadBalancer: ...`. */
const WHY = 'weir.dev/why';

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
    name: `weir-${metadata.name}`,
    namespace: metadata.namespace,
    labels: { [MANAGED_BY]: 'weir', [ROUTE_LABEL]: labelOf(metadata.name) },
    annotations: { [WHY]: lines.join('\n') },
  };
}

/** A label takes 63 characters, a name 253: a longer one is cut. */
function labelOf(name: string): string {
  return name.slice(0, 63).replace(/[^a-z0-9]+$/, '');
}
