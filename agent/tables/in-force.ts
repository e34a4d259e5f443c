/**
 * The tables in force: whose epoch counts, for how long they may be steered by, and what is kept of them on disk.
 *
 * Age counts from the last word of the controller (any frame, any pong), by the wall clock across a restart of the agent.
 * When they are too old there is no view any more, so that filters fall back to the plain routes; the tables themselves are
 * kept, since the next word of the same controller makes them good again.
 *
 * A controller of a lower epoch than the highest seen is an old leader that does not know it yet: refused. Only when no word
 * of the newer one has come for a whole ttl does the guard end, for then it protects nothing, and a controller that lost
 * its store, and with it its count of epochs, must not be refused for ever.
 */
import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_TABLE_TTL_MS, type Tables } from '../../controller/wire/messages.ts';
import type { Clock } from '../clock.ts';

export type Acceptance = 'taken' | 'same' | 'refused';

export interface KeptTables {
  readonly highestEpoch: number;
  /** Wall clock of the controller's last word. */
  readonly lastWordWallMs: number;
  readonly tables: Tables | undefined;
}

export interface InForceEvents {
  /** Views may differ from what they were. */
  changed(): void;
  /** The controller is back after a silence that ate into the ttl of what filters hold. */
  refreshed(): void;
  /** Too old from now on, or not any more. */
  expired(ageMs: number): void;
  revived(): void;
}

/**
 * Whether two sets say the same. The version alone does not tell: a controller that lost its store counts from the start and
 * may come to a version that it gave to other weights before.
 */
export function isSameTables(held: Tables | undefined, tables: Tables): boolean {
  return held?.epoch === tables.epoch && held.number === tables.number && isDeepStrictEqual(held, tables);
}

/** A silence longer than this part of the ttl is worth telling filters of when it ends. */
const SILENCE_PART = 1 / 3;

export class TablesInForce {
  readonly #clock: Clock;
  readonly #events: InForceEvents;
  #tables: Tables | undefined;
  #highestEpoch = 0;
  #lastWordAtMs = Number.NEGATIVE_INFINITY;
  #isFresh = false;
  #cancelExpiry: () => void = () => {};

  constructor(clock: Clock, events: InForceEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** Takes up what was kept on disk. A wall clock that was set back makes it young, never older than it is. */
  restore(kept: KeptTables): void {
    this.#tables = kept.tables;
    this.#highestEpoch = kept.highestEpoch;
    this.#lastWordAtMs = this.#clock.nowMs() - Math.max(0, this.#clock.wallMs() - kept.lastWordWallMs);
    this.#isFresh = this.remainingMs() > 0;
    if (this.#tables && !this.#isFresh) this.#events.expired(this.ageMs());
    this.#armExpiry();
  }

  kept(): KeptTables {
    const lastWordWallMs = Math.round(this.#clock.wallMs() - Math.min(this.ageMs(), this.#clock.wallMs()));
    return { highestEpoch: this.#highestEpoch, lastWordWallMs, tables: this.#tables };
  }

  /** Whether a controller of this epoch is to be obeyed. Remembers it if so. */
  admit(epoch: number): boolean {
    if (epoch < this.#highestEpoch && this.ageMs() < this.ttlMs()) return false;
    this.#highestEpoch = epoch;
    return true;
  }

  accept(tables: Tables): Acceptance {
    if (!this.admit(tables.epoch)) return 'refused';
    const held = this.#tables;
    if (held?.epoch === tables.epoch && held.number > tables.number) return 'refused';
    const isSame = isSameTables(held, tables);
    this.#tables = tables;
    // The first tables revive and refresh nothing.
    if (!held) this.#begin();
    const hasRevived = held !== undefined && this.#listen();
    if (!isSame || hasRevived) this.#events.changed();
    return isSame ? 'same' : 'taken';
  }

  /** The controller said something: the age is 0 again. */
  hear(): void {
    if (this.#listen()) this.#events.changed();
  }

  /** The newest tables, even when too old to steer by. */
  get newest(): Tables | undefined {
    return this.#tables;
  }

  get highestEpoch(): number {
    return this.#highestEpoch;
  }

  hasFresh(): boolean {
    return this.#tables !== undefined && this.remainingMs() > 0;
  }

  ttlMs(): number {
    return this.#tables?.ttlMs ?? DEFAULT_TABLE_TTL_MS;
  }

  /** Since the controller's last word; infinite before the first. */
  ageMs(): number {
    return this.#clock.nowMs() - this.#lastWordAtMs;
  }

  /** For how long filters may still steer by them; 0 when there are none. */
  remainingMs(): number {
    return this.#tables ? Math.max(0, this.ttlMs() - this.ageMs()) : 0;
  }

  close(): void {
    this.#cancelExpiry();
  }

  /** Takes a word of the controller. @returns whether it made tables good again that were too old */
  #listen(): boolean {
    const silenceMs = this.ageMs();
    const wasFresh = this.#isFresh;
    this.#begin();
    if (!this.#tables) return false;
    if (!wasFresh) this.#events.revived();
    else if (silenceMs > this.ttlMs() * SILENCE_PART) this.#events.refreshed();
    return !wasFresh;
  }

  #begin(): void {
    this.#lastWordAtMs = this.#clock.nowMs();
    this.#isFresh = this.#tables !== undefined;
    this.#armExpiry();
  }

  #armExpiry(): void {
    this.#cancelExpiry();
    if (!this.#tables || !this.#isFresh) return;
    this.#cancelExpiry = this.#clock.after(this.remainingMs(), () => {
      if (this.remainingMs() > 0) return this.#armExpiry();
      this.#isFresh = false;
      this.#events.expired(this.ageMs());
      this.#events.changed();
    });
  }
}
