/**
 * Which clusters and services each workload calls, so that a proxy is told of these only.
 *
 * A view must never lose a service that its proxy calls. So whoever is not known yet, does not say who it is, or calls more
 * than is worth remembering, is *wide*: it gets every service of its group. And a service once called stays called, whatever
 * clusters a later table gives it: matching by cluster alone would lose it the moment its backends are replaced.
 */
import { BadState } from '../errors.ts';

export interface CalledLimits {
  readonly maxWorkloads: number;
  readonly maxClustersPerWorkload: number;
}

export const defaultCalledLimits: CalledLimits = { maxWorkloads: 1000, maxClustersPerWorkload: 1000 };

interface Workload {
  readonly clusters: Set<string>;
  readonly services: Set<string>;
  isWide: boolean;
}

/** Services that a cluster is a backend or an entry of, by the tables in force. */
export type ServicesOf = (cluster: string) => readonly string[];

export class Called {
  /** In order of last use, the least recent first. */
  readonly #workloads = new Map<string, Workload>();
  readonly #limits: CalledLimits;

  constructor(limits: CalledLimits = defaultCalledLimits) {
    this.#limits = limits;
  }

  /**
   * Learns of calls. Returns what came of it: `nothing`, something `new` to keep, or `view` when other services are called
   * than before.
   */
  learn(key: string, clusters: readonly string[], servicesOf: ServicesOf): 'nothing' | 'new' | 'view' {
    if (key === '' || clusters.length === 0) return 'nothing';
    const known = this.#workloads.get(key);
    const workload = known ?? { clusters: new Set(), services: new Set(), isWide: false };
    this.#workloads.delete(key);
    this.#workloads.set(key, workload);
    if (!known) this.#forgetLeastRecent();
    if (workload.isWide) return 'nothing';
    const clustersBefore = workload.clusters.size;
    const servicesBefore = workload.services.size;
    for (const cluster of clusters) {
      if (workload.clusters.has(cluster)) continue;
      workload.clusters.add(cluster);
      for (const service of servicesOf(cluster)) workload.services.add(service);
    }
    if (workload.clusters.size > this.#limits.maxClustersPerWorkload) {
      widen(workload);
      return 'view';
    }
    if (!known || workload.services.size > servicesBefore) return 'view';
    return workload.clusters.size > clustersBefore ? 'new' : 'nothing';
  }

  /** Finds out, with other tables in force, what services the known clusters belong to. Returns whether that was news. */
  relearn(servicesOf: ServicesOf): boolean {
    let isNews = false;
    for (const workload of this.#workloads.values()) {
      const before = workload.services.size;
      for (const cluster of workload.clusters) {
        for (const service of servicesOf(cluster)) workload.services.add(service);
      }
      // Services come and go over the years; the clusters bring back those that are still called.
      if (workload.services.size > this.#limits.maxClustersPerWorkload * 2) widen(workload);
      isNews ||= workload.services.size !== before;
    }
    return isNews;
  }

  /** Services that a workload calls; undefined when it is wide. */
  servicesOf(key: string): ReadonlySet<string> | undefined {
    const workload = this.#workloads.get(key);
    return workload && !workload.isWide ? workload.services : undefined;
  }

  get size(): number {
    return this.#workloads.size;
  }

  /** Everything, as JSON. */
  save(): Uint8Array {
    const workloads = [...this.#workloads].map(([key, { clusters, services, isWide }]) => ({
      key,
      clusters: [...clusters],
      services: [...services],
      isWide,
    }));
    return Buffer.from(JSON.stringify({ workloads }));
  }

  /** @throws BadState when it is not what `save` wrote */
  load(bytes: Uint8Array): void {
    let saved: unknown;
    try {
      saved = JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch (cause) {
      throw new BadState(`the file of called clusters is not JSON: ${String(cause)}`, { cause });
    }
    const workloads = (saved as { workloads?: unknown } | null)?.workloads;
    if (!Array.isArray(workloads)) throw new BadState("the file of called clusters has no list 'workloads'");
    for (const entry of workloads.slice(-this.#limits.maxWorkloads)) {
      const { key, clusters, services, isWide } = entry as Record<string, unknown>;
      if (typeof key !== 'string' || !isNames(clusters) || !isNames(services) || typeof isWide !== 'boolean') {
        throw new BadState('the file of called clusters has a workload without key, clusters, services or isWide');
      }
      this.#workloads.set(key, { clusters: new Set(clusters), services: new Set(services), isWide });
    }
  }

  #forgetLeastRecent(): void {
    if (this.#workloads.size <= this.#limits.maxWorkloads) return;
    for (const key of this.#workloads.keys()) {
      this.#workloads.delete(key);
      return;
    }
  }
}

function widen(workload: Workload): void {
  workload.isWide = true;
  workload.clusters.clear();
  workload.services.clear();
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
