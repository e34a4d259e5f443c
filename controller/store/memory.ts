/** A store that forgets when the process ends: for tests, for trying things out, and where the disk does not serve. */
import type { Decision, NewDecision } from '../decision.ts';
import type { Store } from './store.ts';

export class MemoryStore implements Store {
  private epoch = 0;
  private lastId = 0;
  private kept: Decision[] = [];
  private readonly maxDecisions: number;
  private readonly values = new Map<string, string>();

  constructor(maxDecisions: number) {
    this.maxDecisions = maxDecisions;
  }

  nextEpoch(above = 0): number {
    this.epoch = Math.max(this.epoch, above) + 1;
    return this.epoch;
  }

  append(decision: NewDecision): Decision {
    this.lastId += 1;
    const numbered = { ...(JSON.parse(JSON.stringify(decision)) as NewDecision), id: this.lastId };
    this.kept.push(numbered);
    // Cut in one go at twice the size: cutting one at a time would copy the list with each decision.
    if (this.kept.length >= 2 * this.maxDecisions) this.kept = this.kept.slice(-this.maxDecisions);
    return numbered;
  }

  decisions(query: {
    service?: string | undefined;
    limit: number;
    beforeId?: number | undefined;
  }): readonly Decision[] {
    return this.kept
      .slice(-this.maxDecisions)
      .filter((decision) => query.service === undefined || decision.service === query.service)
      .filter((decision) => query.beforeId === undefined || decision.id < query.beforeId)
      .reverse()
      .slice(0, query.limit);
  }

  saveState(key: string, value: unknown): void {
    this.values.set(key, JSON.stringify(value ?? null));
  }

  loadState(key: string): unknown {
    const text = this.values.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  states(): readonly { readonly key: string; readonly value: unknown }[] {
    return [...this.values].sort().map(([key, text]) => ({ key, value: JSON.parse(text) as unknown }));
  }

  deleteState(key: string): void {
    this.values.delete(key);
  }

  close(): void {
    this.values.clear();
    this.kept = [];
  }
}
