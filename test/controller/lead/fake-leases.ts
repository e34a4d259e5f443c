/** An API server's Leases as far as candidates use them: one object, versions, conflicts, and outages that a test makes. */
import type { V1Lease } from '@kubernetes/client-node';
import type { LeaseApi } from '../../../controller/lead/lease.ts';

export class FakeLeases implements LeaseApi {
  object: V1Lease | undefined;
  /** Whether every request fails. */
  isAway = false;
  /** Whether no request is ever answered. */
  isSilent = false;
  private version = 0;

  async readNamespacedLease(): Promise<V1Lease> {
    await this.door();
    if (!this.object) throw refusal(404);
    return structuredClone(this.object);
  }

  async createNamespacedLease({ body }: { body: V1Lease }): Promise<V1Lease> {
    await this.door();
    if (this.object) throw refusal(409);
    return this.keep(body);
  }

  async replaceNamespacedLease({ body }: { body: V1Lease }): Promise<V1Lease> {
    await this.door();
    if (!this.object) throw refusal(404);
    if (body.metadata?.resourceVersion !== this.object.metadata?.resourceVersion) throw refusal(409);
    return this.keep(body);
  }

  get holder(): string | undefined {
    return this.object?.spec?.holderIdentity;
  }

  get transitions(): number | undefined {
    return this.object?.spec?.leaseTransitions;
  }

  private async door(): Promise<void> {
    if (this.isSilent) await new Promise(() => {});
    if (this.isAway) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  }

  private keep(body: V1Lease): V1Lease {
    this.version += 1;
    this.object = { ...structuredClone(body), metadata: { ...body.metadata, resourceVersion: String(this.version) } };
    return structuredClone(this.object);
  }
}

function refusal(code: number): Error {
  return Object.assign(new Error(`refused with ${code}`), { code });
}
