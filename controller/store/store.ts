/**
 * The contract of the store: what must survive a restart. test/contracts/store runs one case suite over every
 * implementation. All calls are synchronous and durable when they return; a store that fails throws StoreError and the
 * controller goes on steering from memory.
 */
import type { Decision, NewDecision } from '../decision.ts';

export interface Store {
  /**
   * Counts controllers' lives: returns one more than ever before, from 1, and more than `above`: an agent may have heard
   * of a higher epoch from a controller whose store was lost.
   */
  nextEpoch(above?: number): number;
  /** Writes a decision down and gives it its id. */
  append(decision: NewDecision): Decision;
  /** Newest first. `beforeId` pages on. */
  decisions(query: { service?: string | undefined; limit: number; beforeId?: number | undefined }): readonly Decision[];
  /** What the controller needs to take up where it was (weights, baselines, pins, freezes): one JSON value per key. */
  saveState(key: string, value: unknown): void;
  loadState(key: string): unknown;
  states(): readonly { readonly key: string; readonly value: unknown }[];
  deleteState(key: string): void;
  close(): void;
}
