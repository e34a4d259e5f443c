/**
 * Which hosts each workload has called, for much longer than the graph remembers: what a proxy may do without is judged by it. Kept
 * across restarts, bounded, and coarse: an hour is the finest it knows, so that what is kept seldom changes.
 */
import { partsOfCluster } from '../routes/clusters.ts';
import type { EdgeReport } from '../wire/messages.ts';

/** A call that comes once a month is still one that is made. */
const FORGET_MS = 45 * 24 * 3_600_000;
const COARSE_MS = 3_600_000;
/** About 10 MB. */
const MAX_PAIRS = 50_000;
const PRUNE_EVERY_MS = 3_600_000;
const KEY = 'called:';
export interface CalledHost {
  readonly host: string;
  readonly port: number;
  /** ms since 1970, to the hour. */
  readonly seenMs: number;
}

export interface CalledBy {
  readonly namespace: string;
  readonly workload: string;
  /** When it was first heard of, ms since 1970, to the hour. */
  readonly sinceMs: number;
  readonly hosts: readonly CalledHost[];
}

interface Kept {
  readonly sinceMs: number;
  readonly seenMsByHost: Map<string, number>;
}

export class Called {
  private readonly workloads = new Map<string, Kept>();
  private pairs = 0;
  private prunedMs = Number.NEGATIVE_INFINITY;

  /** @param wallMs ms since 1970 */
  observe({ caller, cluster }: EdgeReport, wallMs: number): void {
    const parts = partsOfCluster(cluster);
    if (!parts) return;
    const hourMs = Math.floor(wallMs / COARSE_MS) * COARSE_MS;
    const key = `${caller.namespace}/${caller.workload}`;
    let kept = this.workloads.get(key);
    const pair = `${parts.host}:${parts.port}`;
    if (kept?.seenMsByHost.get(pair) === hourMs) return;
    if (!kept?.seenMsByHost.has(pair)) {
      if (this.pairs >= MAX_PAIRS) return;
      this.pairs += 1;
    }
    if (!kept) {
      kept = { sinceMs: hourMs, seenMsByHost: new Map() };
      this.workloads.set(key, kept);
    }
    kept.seenMsByHost.set(pair, hourMs);
  }

  /** Forgets what was not called for long. */
  prune(wallMs: number): void {
    if (wallMs - this.prunedMs < PRUNE_EVERY_MS) return;
    this.prunedMs = wallMs;
    for (const [key, { seenMsByHost }] of this.workloads) {
      for (const [pair, seenMs] of seenMsByHost) {
        if (wallMs - seenMs <= FORGET_MS) continue;
        seenMsByHost.delete(pair);
        this.pairs -= 1;
      }
      if (seenMsByHost.size === 0) this.workloads.delete(key);
    }
  }

  /** By namespace and name, hosts by name. */
  all(): readonly CalledBy[] {
    return [...this.workloads].sort(byKey).map(([key, { sinceMs, seenMsByHost }]) => {
      const [namespace = '', workload = ''] = key.split('/');
      const hosts = [...seenMsByHost].sort(byKey).map(([pair, seenMs]) => {
        const colon = pair.lastIndexOf(':');
        return { host: pair.slice(0, colon), port: Number(pair.slice(colon + 1)), seenMs };
      });
      return { namespace, workload, sinceMs, hosts };
    });
  }

  states(): readonly { readonly key: string; readonly value: unknown }[] {
    return [...this.workloads].map(([key, { sinceMs, seenMsByHost }]) => ({
      key: KEY + key,
      value: { sinceMs, hosts: Object.fromEntries(seenMsByHost) },
    }));
  }

  /** What cannot be read is left out: it is learnt again. */
  load(states: readonly { readonly key: string; readonly value: unknown }[]): void {
    for (const { key, value } of states) {
      const { sinceMs, hosts } = (value ?? {}) as { sinceMs?: unknown; hosts?: unknown };
      if (!key.startsWith(KEY) || typeof sinceMs !== 'number' || typeof hosts !== 'object' || hosts === null) continue;
      const pairs = Object.entries(hosts).filter(
        (entry): entry is [string, number] => typeof entry[1] === 'number' && /^.+:\d+$/.test(entry[0]),
      );
      if (pairs.length === 0 || this.pairs + pairs.length > MAX_PAIRS) continue;
      this.pairs += pairs.length;
      this.workloads.set(key.slice(KEY.length), { sinceMs, seenMsByHost: new Map(pairs) });
    }
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
