/**
 * Table messages: what one proxy steers by, as agent/wire/layout.ts draws it.
 *
 * A view (services, epoch, number) is encoded once and handed to many filters, each time under a header with the ttl of that
 * moment. Its id is a hash of what it says, so that an agent that restarted, or another one, gives the same view the same id
 * and no filter has to take again what it has.
 */
import { createHash } from 'node:crypto';
import type { ServiceTable } from '../../controller/wire/messages.ts';
import { BadFrame } from '../errors.ts';
import * as layout from './layout.ts';
import { readId } from './samples.ts';

export interface View {
  /** 16 hex digits; zeros: there is none. */
  readonly viewId: string;
  readonly tableEpoch: number;
  readonly tableNumber: number;
  readonly serviceCount: number;
  /** The services, encoded. */
  readonly body: Uint8Array;
}

/** What a filter steers by that has no tables, or may no longer: nothing. */
export const NO_VIEW: View = {
  viewId: '0'.repeat(16),
  tableEpoch: 0,
  tableNumber: 0,
  serviceCount: 0,
  body: new Uint8Array(0),
};

const MAX_U32 = 0xffffffff;
const ID_BYTES = 8;

/** Why a service cannot be told to a filter, as the end of a sentence; undefined where it can. */
export function faultOf(table: ServiceTable): string | undefined {
  let weight = 0;
  let trialWeight = 0;
  for (const backend of table.backends) {
    weight += backend.weight;
    trialWeight += backend.trialWeight;
    if (!isName(backend.cluster)) return `the cluster of backend '${backend.name}' ${nameRule}`;
    if (!isName(backend.name)) return `the name of the backend at cluster '${backend.cluster}' ${nameRule}`;
  }
  if (weight !== layout.WEIGHT_TOTAL) return `its weights sum to ${weight}, not ${layout.WEIGHT_TOTAL}`;
  if (trialWeight !== layout.WEIGHT_TOTAL) return `its trial weights sum to ${trialWeight}, not ${layout.WEIGHT_TOTAL}`;
  if (table.trialId > MAX_U32) return `its trial id ${table.trialId} is above ${MAX_U32}`;
  if (!table.entryClusters.every(isName)) return `an entry cluster's name ${nameRule}`;
  return undefined;
}

/** Bytes that a service takes in a message. */
export function serviceBytes(table: ServiceTable): number {
  let bytes = layout.SERVICE_BYTES;
  for (const backend of table.backends) {
    bytes += layout.BACKEND_BYTES + Buffer.byteLength(backend.cluster) + Buffer.byteLength(backend.name);
  }
  for (const cluster of table.entryClusters) bytes += layout.ENTRY_BYTES + Buffer.byteLength(cluster);
  return bytes;
}

/** @param services without faults, and together within MAX_TABLE_BYTES */
export function encodeView(services: readonly ServiceTable[], tableEpoch: number, tableNumber: number): View {
  const body = Buffer.alloc(services.reduce((sum, service) => sum + serviceBytes(service), 0));
  let at = 0;
  for (const service of services) at = writeService(body, at, service);
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(tableEpoch, 0);
  numbers.writeUInt32LE(tableNumber, 4);
  const viewId = createHash('sha256')
    .update(numbers)
    .update(body)
    .digest('hex')
    .slice(0, ID_BYTES * 2);
  return { viewId, tableEpoch, tableNumber, serviceCount: services.length, body };
}

/** @param ttlMs for how long the filter may steer by this, from the moment it has it */
export function tableMessage(view: View, ttlMs: number): Buffer {
  return Buffer.concat([header(view, ttlMs, 0), view.body]);
}

/** Says that the view asked with is still right, and its new ttl. */
export function unchangedMessage(view: View, ttlMs: number): Buffer {
  return header(view, ttlMs, layout.TABLE_UNCHANGED);
}

function header(view: View, ttlMs: number, flags: number): Buffer {
  const out = Buffer.alloc(layout.TABLE_HEADER_BYTES);
  out.writeUInt32LE(layout.TABLE_MAGIC, layout.TABLE_MAGIC_AT);
  out.writeUInt16LE(layout.PROTOCOL_VERSION, layout.TABLE_VERSION_AT);
  out.writeUInt16LE(flags, layout.TABLE_FLAGS_AT);
  out.write(view.viewId, layout.TABLE_VIEW_ID_AT, ID_BYTES, 'hex');
  out.subarray(layout.TABLE_VIEW_ID_AT, layout.TABLE_VIEW_ID_AT + ID_BYTES).reverse();
  out.writeUInt32LE(view.tableEpoch, layout.TABLE_EPOCH_AT);
  out.writeUInt32LE(view.tableNumber, layout.TABLE_NUMBER_AT);
  out.writeUInt32LE(Math.min(Math.max(Math.ceil(ttlMs), 0), MAX_U32), layout.TABLE_TTL_MS_AT);
  const isUnchanged = (flags & layout.TABLE_UNCHANGED) !== 0;
  out.writeUInt16LE(isUnchanged ? 0 : view.serviceCount, layout.TABLE_SERVICE_COUNT_AT);
  return out;
}

function writeService(out: Buffer, start: number, table: ServiceTable): number {
  out.writeUInt8(table.draw === 'exact' ? layout.DRAW_EXACT : layout.DRAW_BALANCED, start + layout.SERVICE_DRAW_AT);
  out.writeUInt8(table.backends.length, start + layout.SERVICE_BACKEND_COUNT_AT);
  out.writeUInt16LE(table.trialShare, start + layout.SERVICE_TRIAL_SHARE_AT);
  out.writeUInt32LE(table.trialId, start + layout.SERVICE_TRIAL_ID_AT);
  out.writeUInt16LE(table.entryClusters.length, start + layout.SERVICE_ENTRY_COUNT_AT);
  let at = start + layout.SERVICE_BYTES;
  for (const backend of table.backends) {
    out.writeUInt16LE(backend.weight, at + layout.BACKEND_WEIGHT_AT);
    out.writeUInt16LE(backend.trialWeight, at + layout.BACKEND_TRIAL_WEIGHT_AT);
    out.writeUInt16LE(Buffer.byteLength(backend.cluster), at + layout.BACKEND_CLUSTER_BYTES_AT);
    out.writeUInt16LE(Buffer.byteLength(backend.name), at + layout.BACKEND_VALUE_BYTES_AT);
    out.writeUInt8(backend.takesOver ? layout.BACKEND_TAKES_OVER : 0, at + layout.BACKEND_FLAGS_AT);
    at += layout.BACKEND_BYTES;
    at += out.write(backend.cluster, at);
    at += out.write(backend.name, at);
  }
  for (const cluster of table.entryClusters) {
    at = out.writeUInt16LE(Buffer.byteLength(cluster), at);
    at += out.write(cluster, at);
  }
  return at;
}

/** A service as a filter reads it: no name and no group, both are the agent's business. */
export type SteeredService = Omit<ServiceTable, 'service' | 'group'>;

export interface TableMessage {
  readonly viewId: string;
  readonly isUnchanged: boolean;
  readonly tableEpoch: number;
  readonly tableNumber: number;
  readonly ttlMs: number;
  readonly services: readonly SteeredService[];
}

/**
 * Reads a table message as a filter does. For tests and tools that stand in for one.
 * @throws BadFrame
 */
export function decodeTable(bytes: Uint8Array): TableMessage {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < layout.TABLE_HEADER_BYTES)
    throw new BadFrame(`a table message of ${view.length} bytes is too short`);
  if (view.readUInt32LE(layout.TABLE_MAGIC_AT) !== layout.TABLE_MAGIC) {
    throw new BadFrame(`a table message begins with "WTBL", this one with 0x${view.toString('hex', 0, 4)}`);
  }
  const version = view.readUInt16LE(layout.TABLE_VERSION_AT);
  if (version !== layout.PROTOCOL_VERSION) throw new BadFrame(`the table message is of version ${version}`);
  const services: SteeredService[] = [];
  let at = layout.TABLE_HEADER_BYTES;
  const count = view.readUInt16LE(layout.TABLE_SERVICE_COUNT_AT);
  try {
    for (let i = 0; i < count; i++) at = readService(view, at, services);
  } catch (cause) {
    throw new BadFrame(`the table message ends within service ${services.length + 1} of ${count}`, { cause });
  }
  if (at !== view.length) throw new BadFrame(`the table message has ${view.length - at} bytes too many`);
  return {
    viewId: readId(view, layout.TABLE_VIEW_ID_AT),
    isUnchanged: (view.readUInt16LE(layout.TABLE_FLAGS_AT) & layout.TABLE_UNCHANGED) !== 0,
    tableEpoch: view.readUInt32LE(layout.TABLE_EPOCH_AT),
    tableNumber: view.readUInt32LE(layout.TABLE_NUMBER_AT),
    ttlMs: view.readUInt32LE(layout.TABLE_TTL_MS_AT),
    services,
  };
}

function readService(view: Buffer, start: number, into: SteeredService[]): number {
  let at = start + layout.SERVICE_BYTES;
  const text = (length: number) => {
    if (at + length > view.length) throw new RangeError('past the end');
    at += length;
    return view.toString('utf8', at - length, at);
  };
  const backends: ServiceTable['backends'] = [];
  for (let i = view.readUInt8(start + layout.SERVICE_BACKEND_COUNT_AT); i > 0; i--) {
    const record = at;
    at += layout.BACKEND_BYTES;
    const cluster = text(view.readUInt16LE(record + layout.BACKEND_CLUSTER_BYTES_AT));
    const name = text(view.readUInt16LE(record + layout.BACKEND_VALUE_BYTES_AT));
    const weight = view.readUInt16LE(record + layout.BACKEND_WEIGHT_AT);
    const trialWeight = view.readUInt16LE(record + layout.BACKEND_TRIAL_WEIGHT_AT);
    const takesOver = (view.readUInt8(record + layout.BACKEND_FLAGS_AT) & layout.BACKEND_TAKES_OVER) !== 0;
    backends.push({ name, cluster, weight, trialWeight, ...(takesOver ? { takesOver } : {}) });
  }
  const entryClusters: string[] = [];
  for (let i = view.readUInt16LE(start + layout.SERVICE_ENTRY_COUNT_AT); i > 0; i--) {
    const length = view.readUInt16LE(at);
    at += layout.ENTRY_BYTES;
    entryClusters.push(text(length));
  }
  into.push({
    draw: view.readUInt8(start + layout.SERVICE_DRAW_AT) === layout.DRAW_EXACT ? 'exact' : 'balanced',
    trialId: view.readUInt32LE(start + layout.SERVICE_TRIAL_ID_AT),
    trialShare: view.readUInt16LE(start + layout.SERVICE_TRIAL_SHARE_AT),
    backends,
    entryClusters,
  });
  return at;
}

const nameRule = `must have 1 to ${layout.MAX_NAME_BYTES} bytes in UTF-8`;

function isName(text: string): boolean {
  const bytes = Buffer.byteLength(text);
  return bytes > 0 && bytes <= layout.MAX_NAME_BYTES;
}
