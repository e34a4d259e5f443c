/**
 * A store that never throws: what could not be written waits here, bounded, and is tried again. The controller decides each
 * second whether or not the disk has room, and a person reads its decisions just when things go wrong.
 *
 * Decisions are numbered here while they wait; the store gives the same numbers when they are written in the same order.
 */
import type { Decision, NewDecision } from '../decision.ts';
import { StoreError } from '../errors.ts';
import type { Store } from './store.ts';

const MAX_WAITING = 1_000;

export interface SteadyOptions {
  /** Called at the first failure of a row of failures. */
  readonly onFailure: (error: StoreError) => void;
  /** Called at each failure. */
  readonly onCount: () => void;
  /** Called when writing works again. */
  readonly onRecovered: () => void;
}

export class SteadyStore {
  private readonly store: Store;
  private readonly options: SteadyOptions;
  private readonly waiting: Decision[] = [];
  private readonly saved = new Map<string, string>();
  private lastId: number;
  private isFailing = false;

  constructor(store: Store, options: SteadyOptions) {
    this.store = store;
    this.options = options;
    this.lastId = this.attempt(() => store.decisions({ limit: 1 }))?.[0]?.id ?? 0;
  }

  nextEpoch(above?: number): number {
    return this.attempt(() => this.store.nextEpoch(above)) ?? (above ?? 0) + 1;
  }

  append(decision: NewDecision): Decision {
    this.writeWaiting();
    const written = this.waiting.length > 0 ? undefined : this.attempt(() => this.store.append(decision));
    const numbered = written ?? { ...decision, id: this.lastId + 1 };
    this.lastId = numbered.id;
    if (!written) {
      this.waiting.push(numbered);
      if (this.waiting.length > MAX_WAITING) this.waiting.shift();
    }
    return numbered;
  }

  decisions(query: {
    service?: string | undefined;
    limit: number;
    beforeId?: number | undefined;
  }): readonly Decision[] {
    const waiting = this.waiting
      .filter((decision) => query.service === undefined || decision.service === query.service)
      .filter((decision) => query.beforeId === undefined || decision.id < query.beforeId)
      .reverse();
    const stored = this.attempt(() => this.store.decisions(query)) ?? [];
    return [...waiting, ...stored].slice(0, query.limit);
  }

  states(): readonly { readonly key: string; readonly value: unknown }[] {
    const states = this.attempt(() => this.store.states()) ?? [];
    for (const { key, value } of states) this.saved.set(key, JSON.stringify(value));
    return states;
  }

  /** Makes the stored states these: writes what changed, deletes what is gone. What fails is tried again next time. */
  saveStates(states: readonly { readonly key: string; readonly value: unknown }[]): void {
    this.writeWaiting();
    const gone = new Set(this.saved.keys());
    for (const { key, value } of states) {
      gone.delete(key);
      const text = JSON.stringify(value ?? null);
      if (this.saved.get(key) === text) continue;
      if (!this.wrote(() => this.store.saveState(key, value))) return;
      this.saved.set(key, text);
    }
    for (const key of gone) {
      if (!this.wrote(() => this.store.deleteState(key))) return;
      this.saved.delete(key);
    }
  }

  close(): void {
    this.writeWaiting();
    this.attempt(() => this.store.close());
  }

  private writeWaiting(): void {
    for (let first = this.waiting[0]; first; first = this.waiting[0]) {
      const { id: _, ...decision } = first;
      if (!this.attempt(() => this.store.append(decision))) return;
      this.waiting.shift();
    }
  }

  private wrote(work: () => void): boolean {
    return (
      this.attempt(() => {
        work();
        return true;
      }) ?? false
    );
  }

  private attempt<T>(work: () => T): T | undefined {
    try {
      const result = work();
      if (this.isFailing) this.options.onRecovered();
      this.isFailing = false;
      return result;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.options.onCount();
      if (!this.isFailing) this.options.onFailure(error);
      this.isFailing = true;
      return undefined;
    }
  }
}
