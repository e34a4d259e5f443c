/**
 * The Lease in a Kubernetes API server by which controllers agree on who leads: read, made, replaced. Whoever replaces it shows the
 * version that it has read, and the API server takes one of two who show the same. Its times are for people; nobody here compares
 * a clock with another machine's.
 */
import { type CoordinationV1Api, type V1Lease, V1MicroTime } from '@kubernetes/client-node';
import { codeOf, inTime, orNothing } from '../intake/api-server.ts';

/** What is used of CoordinationV1Api. */
export type LeaseApi = Pick<
  CoordinationV1Api,
  'readNamespacedLease' | 'createNamespacedLease' | 'replaceNamespacedLease'
>;

export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** What a candidate writes. */
export interface Claim {
  /** '': nobody's from now on. */
  readonly holder: string;
  /** For how long after they saw it last change others take the holder for alive. */
  readonly durationMs: number;
  readonly wallMs: number;
}

/** The Lease as it was read. */
export interface SeenLease {
  /** '': nobody. */
  readonly holder: string;
  readonly durationMs: number;
  /** Differs from the last one's when its holder has done anything. */
  readonly mark: string;
  readonly object: V1Lease;
}

export class Lease {
  private readonly api: LeaseApi;
  private readonly at: LeaseName;

  constructor(api: LeaseApi, at: LeaseName) {
    this.api = api;
    this.at = at;
  }

  /** @returns nothing where there is none yet */
  async read(): Promise<SeenLease | undefined> {
    const object = await orNothing(this.api.readNamespacedLease({ ...this.at }, inTime()));
    if (!object) return undefined;
    const { holderIdentity = '', leaseDurationSeconds = 0 } = object.spec ?? {};
    const durationMs = leaseDurationSeconds * 1_000;
    return { holder: holderIdentity, durationMs, mark: JSON.stringify(object.spec ?? {}), object };
  }

  /**
   * Writes a claim over what was seen, or the first one.
   * @returns false where somebody else has written meanwhile
   */
  async claim(claim: Claim, seen: SeenLease | undefined): Promise<boolean> {
    const { namespace, name } = this.at;
    try {
      if (seen) {
        const body = { ...seen.object, spec: specOf(claim, seen) };
        await this.api.replaceNamespacedLease({ namespace, name, body }, inTime());
      } else {
        const body = { metadata: { namespace, name }, spec: specOf(claim, undefined) };
        await this.api.createNamespacedLease({ namespace, body }, inTime());
      }
      return true;
    } catch (error) {
      // 404: it was deleted since it was read.
      if (codeOf(error) === 409 || (seen && codeOf(error) === 404)) return false;
      throw error;
    }
  }
}

function specOf({ holder, durationMs, wallMs }: Claim, seen: SeenLease | undefined): NonNullable<V1Lease['spec']> {
  const before = seen?.object.spec;
  const isSame = before?.holderIdentity === holder;
  const now = new V1MicroTime(wallMs);
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Math.max(1, Math.round(durationMs / 1_000)),
    acquireTime: isSame && before.acquireTime ? new V1MicroTime(before.acquireTime) : now,
    renewTime: now,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (before && !isSame && holder !== '' ? 1 : 0),
  };
}
