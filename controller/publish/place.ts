/** The contract of where manifests go: a Kubernetes API server (`kubernetes.ts`) or a folder (`files.ts`). */
import type { Manifest } from '../generate/manifests.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import type { Plan } from './plan.ts';

/** An object of Weir's own that is there though no route in force asks for it. */
export interface Orphan {
  /** For example VirtualService shop/weir-search. */
  readonly name: string;
  /** Whether others may name what it defines: it goes a while after they have gone. */
  readonly isNamedByOthers: boolean;
  readonly remove: () => Promise<void>;
}

export interface Place {
  /** In words, for sentences: `the cluster`. */
  readonly name: string;
  /**
   * Makes it hold these manifests of one route, one after the other.
   * @returns whether that is all; otherwise they are to be put again once proxies have let go of what is there too
   * @throws InTheWay where something that is not Weir's is there; any other error is trouble that may pass
   */
  put(plan: Plan, manifests: readonly Manifest[]): Promise<boolean>;
  /** @param kept routes whose objects stay, as far as two of their backends are Istio's subsets */
  orphans(kept: readonly AdaptiveRoute[]): Promise<readonly Orphan[]>;
}

/** Somebody else's: Weir leaves it alone and says so. The message is a sentence for the owner of the route. */
export class InTheWay extends Error {
  override readonly name = 'InTheWay';
  readonly code = 'WEIR_CONTROLLER_IN_THE_WAY';
  /**
   * Conflict: another manager has set fields of ours. NotOurs: an object of our name. HostTaken: another VirtualService of the host.
   * NotThere, NothingToAdopt: what is to be adopted is missing, or does not lead to the service. CannotAdopt: not by files.
   */
  readonly reason: 'Conflict' | 'NotOurs' | 'HostTaken' | 'NotThere' | 'NothingToAdopt' | 'CannotAdopt';

  constructor(reason: InTheWay['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** `namespace/name`, the key of a route. */
export function keyOf({ metadata }: AdaptiveRoute): string {
  return `${metadata.namespace}/${metadata.name}`;
}
