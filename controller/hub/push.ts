/** What the hub hands to every session: tables as bytes, made once however many agents there are; and why it refuses. */
import { encode } from '../wire/codec.ts';
import type { Tables } from '../wire/messages.ts';

export interface TableVersion {
  readonly epoch: number;
  readonly number: number;
}

export interface EncodedTables extends TableVersion {
  readonly bytes: Uint8Array;
}

/** Codes of `refuse` frames. */
export type RefuseCode =
  | 'WEIR_HUB_NO_TOKEN'
  | 'WEIR_HUB_BAD_TOKEN'
  | 'WEIR_HUB_FORBIDDEN'
  | 'WEIR_HUB_TOKEN_UNKNOWN'
  | 'WEIR_HUB_TOO_MANY_AGENTS'
  | 'WEIR_HUB_NO_HELLO'
  | 'WEIR_HUB_BAD_HELLO'
  | 'WEIR_HUB_PROTOCOL'
  | 'WEIR_HUB_EPOCH'
  | 'WEIR_HUB_BAD_FRAMES'
  | 'WEIR_HUB_REPLACED';

export function encodeTables(tables: Tables): EncodedTables {
  return { epoch: tables.epoch, number: tables.number, bytes: encode(tables) };
}

export function isNewer(a: TableVersion, b: TableVersion): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.number > b.number);
}
