/**
 * Proxies that went silent. A filter that trapped is bypassed by Envoy without a word (FAIL_OPEN), so silence is the only
 * sign; an idle proxy still reports every few seconds, each of its workers by itself. Said once per silence, and once when it is over. A pod that ended is
 * silent too: its agent soon stops speaking of it, and then it is forgotten.
 */
import type { ProxyReport } from '../wire/messages.ts';

/** Three idle intervals of the filter. */
const SILENT_MS = 30_000;
const FORGET_MS = 600_000;
const MAX_PROXIES = 50_000;

export class Proxies {
  /** When a silent proxy was last spoken of. */
  private readonly silent = new Map<string, number>();

  /** @returns what changed with this report, if anything */
  observe({ nodeId, silentMs }: ProxyReport, nowMs: number): 'silent' | 'back' | undefined {
    if (silentMs < SILENT_MS) return this.silent.delete(nodeId) ? 'back' : undefined;
    const isNews = !this.silent.has(nodeId) && this.silent.size < MAX_PROXIES;
    if (isNews || this.silent.has(nodeId)) this.silent.set(nodeId, nowMs);
    return isNews ? 'silent' : undefined;
  }

  prune(nowMs: number): void {
    for (const [nodeId, spokenOfMs] of this.silent) if (nowMs - spokenOfMs > FORGET_MS) this.silent.delete(nodeId);
  }

  get silentCount(): number {
    return this.silent.size;
  }
}
