/**
 * The table in force: for each service its backends with their weights, read from a table message (agent/wire/layout.ts).
 *
 * A message is checked to its last byte before anything of it counts. It is then laid out in the one of two regions that is
 * not in force, and the clusters are pointed at their services with a new generation, which switches over at once. Clusters
 * that still carry an older generation have no service.
 */
import * as layout from '../../agent/wire/layout';
import { reserve } from '../host/memory';
import { Cluster, clusterOf, findCluster, prepareClusters, spareClusters } from '../measure/clusters';
import { foresee } from '../measure/usual';

@unmanaged
export class Backend {
  weight: u32;
  trialWeight: u32;
  cluster: Cluster | null;
  valueAt: usize;
  valueLength: u32;
  takesOver: bool;
}

@unmanaged
export class Service {
  draw: u32;
  backendCount: u32;
  trialShare: u32;
  trialId: u32;
  backends: usize;
}

export const BACKEND_BYTES: usize = offsetof<Backend>();
const SERVICE_BYTES: usize = offsetof<Service>();

let maxBytes: u32 = 0;
let regionA: usize = 0;
let regionABytes: usize = 0;
let regionB: usize = 0;
let regionBBytes: usize = 0;
let isAInForce: bool = false;

/** Generation of the table in force; clusters that carry another are not steered. 0: none, or it is too old. */
export let generation: u32 = 0;
/** Generation of the last table that was taken, in force or too old. */
export let heldGeneration: u32 = 0;
/** Clusters that the last table names and that there was no record left for; their services go unsteered. */
export let missedClusters: u32 = 0;
let lastGeneration: u32 = 0;
let viewId: u64 = 0;
let tableEpoch: u32 = 0;
let tableNumber: u32 = 0;
let expiresNs: u64 = 0;
let newClusters: u32 = 0;

export function limitTable(bytes: u32): void {
  maxBytes = bytes;
}

/** What is in force; zeros: nothing is. */
export function viewInForce(): u64 {
  return generation == 0 ? 0 : viewId;
}

export function epochInForce(): u32 {
  return generation == 0 ? 0 : tableEpoch;
}

export function numberInForce(): u32 {
  return generation == 0 ? 0 : tableNumber;
}

/** Puts the table out of force once its time is over. True when that ends steering. It stays in memory, should the agent say so. */
export function expireTable(nowNs: u64): bool {
  if (generation == 0 || nowNs < expiresNs) return false;
  generation = 0;
  return viewId != 0;
}

/** The service that a cluster is part of by the table in force. */
export function serviceOf(cluster: Cluster | null): Service | null {
  if (cluster == null || generation == 0 || cluster.generation != generation) return null;
  return changetype<Service>(cluster.service);
}

export function backendAt(service: Service, index: u32): Backend {
  return changetype<Backend>(service.backends + <usize>index * BACKEND_BYTES);
}

/** Takes a message. False: it is malformed, too large or finds no memory, and the table in force stays. */
export function acceptTable(at: usize, length: u32, nowNs: u64): bool {
  if (length < layout.TABLE_HEADER_BYTES || length > maxBytes) return false;
  if (load<u32>(at + layout.TABLE_MAGIC_AT) != layout.TABLE_MAGIC) return false;
  if (load<u16>(at + layout.TABLE_VERSION_AT) != layout.PROTOCOL_VERSION) return false;
  const expires = nowNs + <u64>load<u32>(at + layout.TABLE_TTL_MS_AT) * 1000000;
  const id = load<u64>(at + layout.TABLE_VIEW_ID_AT);
  if ((load<u16>(at + layout.TABLE_FLAGS_AT) & layout.TABLE_UNCHANGED) != 0) {
    if (length != layout.TABLE_HEADER_BYTES) return false;
    // An agent with no tables confirms the nothing that was asked with, and does not bring back what grew too old.
    if (id == 0 && viewInForce() == 0) return true;
    if (id != viewId) return false;
    generation = heldGeneration;
    expiresNs = expires;
    return true;
  }
  const bytes = bytesNeeded(at, length);
  if (bytes == 0 || !makeRoom(bytes)) return false;
  if (newClusters > spareClusters()) prepareClusters(newClusters);
  const region = isAInForce ? regionB : regionA;
  lastGeneration = lastGeneration == u32.MAX_VALUE ? 1 : lastGeneration + 1;
  missedClusters = 0;
  layOut(at, length, region, lastGeneration);
  generation = lastGeneration;
  heldGeneration = lastGeneration;
  isAInForce = !isAInForce;
  viewId = id;
  tableEpoch = load<u32>(at + layout.TABLE_EPOCH_AT);
  tableNumber = load<u32>(at + layout.TABLE_NUMBER_AT);
  expiresNs = expires;
  // The clusters that are new now need samples before they are called.
  prepareClusters(0);
  return true;
}

/** Checks a message whole and counts its new clusters. Returns the room that it needs when laid out; 0 when it is malformed. */
function bytesNeeded(at: usize, length: u32): usize {
  const end = at + length;
  let cursor = at + layout.TABLE_HEADER_BYTES;
  // The message's own numbers, 12 bytes a service, are more than aligning its records takes.
  let bytes: usize = length + 1;
  newClusters = 0;
  const services = <u32>load<u16>(at + layout.TABLE_SERVICE_COUNT_AT);
  for (let i: u32 = 0; i < services; i++) {
    if (end - cursor < layout.SERVICE_BYTES) return 0;
    const draw = load<u8>(cursor + layout.SERVICE_DRAW_AT);
    const backends = <u32>load<u8>(cursor + layout.SERVICE_BACKEND_COUNT_AT);
    const entries = <u32>load<u16>(cursor + layout.SERVICE_ENTRY_COUNT_AT);
    if (draw > layout.DRAW_BALANCED || backends == 0 || backends > layout.MAX_BACKENDS) return 0;
    const trialShare = load<u16>(cursor + layout.SERVICE_TRIAL_SHARE_AT);
    if (trialShare > layout.WEIGHT_TOTAL) return 0;
    if (trialShare > 0 && load<u32>(cursor + layout.SERVICE_TRIAL_ID_AT) == 0) return 0;
    cursor += layout.SERVICE_BYTES;
    let weights: u32 = 0;
    let trialWeights: u32 = 0;
    for (let j: u32 = 0; j < backends; j++) {
      if (end - cursor < layout.BACKEND_BYTES) return 0;
      weights += load<u16>(cursor + layout.BACKEND_WEIGHT_AT);
      trialWeights += load<u16>(cursor + layout.BACKEND_TRIAL_WEIGHT_AT);
      const clusterLength = <u32>load<u16>(cursor + layout.BACKEND_CLUSTER_BYTES_AT);
      const valueLength = <u32>load<u16>(cursor + layout.BACKEND_VALUE_BYTES_AT);
      if (!isName(clusterLength) || !isName(valueLength)) return 0;
      cursor += layout.BACKEND_BYTES;
      if (end - cursor < clusterLength + valueLength) return 0;
      if (findCluster(cursor, clusterLength) == null) newClusters++;
      cursor += clusterLength + valueLength;
    }
    if (weights != layout.WEIGHT_TOTAL || trialWeights != layout.WEIGHT_TOTAL) return 0;
    for (let j: u32 = 0; j < entries; j++) {
      if (end - cursor < layout.ENTRY_BYTES) return 0;
      const entryLength = <u32>load<u16>(cursor);
      cursor += layout.ENTRY_BYTES;
      if (!isName(entryLength) || end - cursor < entryLength) return 0;
      if (findCluster(cursor, entryLength) == null) newClusters++;
      cursor += entryLength;
    }
    bytes += SERVICE_BYTES + <usize>backends * BACKEND_BYTES;
  }
  return cursor == end ? bytes : 0;
}

/** The region not in force, large enough; a region that is too small is left behind for one of twice the size. */
function makeRoom(bytes: usize): bool {
  const held = isAInForce ? regionBBytes : regionABytes;
  if (bytes <= held) return true;
  const size = max(bytes, held * 2);
  const region = reserve(size);
  if (region == 0) return false;
  if (isAInForce) {
    regionB = region;
    regionBBytes = size;
  } else {
    regionA = region;
    regionABytes = size;
  }
  return true;
}

/** Copies a checked message behind its own services and backends, so that header values stay where they can be pointed at. */
function layOut(at: usize, length: u32, region: usize, next: u32): void {
  let place = region;
  let cursor = at + layout.TABLE_HEADER_BYTES;
  const services = <u32>load<u16>(at + layout.TABLE_SERVICE_COUNT_AT);
  for (let i: u32 = 0; i < services; i++) {
    const service = changetype<Service>(place);
    service.draw = load<u8>(cursor + layout.SERVICE_DRAW_AT);
    service.backendCount = load<u8>(cursor + layout.SERVICE_BACKEND_COUNT_AT);
    service.trialShare = load<u16>(cursor + layout.SERVICE_TRIAL_SHARE_AT);
    service.trialId = load<u32>(cursor + layout.SERVICE_TRIAL_ID_AT);
    service.backends = place + SERVICE_BYTES;
    const entries = <u32>load<u16>(cursor + layout.SERVICE_ENTRY_COUNT_AT);
    cursor += layout.SERVICE_BYTES;
    place += SERVICE_BYTES + <usize>service.backendCount * BACKEND_BYTES;
    for (let j: u32 = 0; j < service.backendCount; j++) {
      const backend = backendAt(service, j);
      const clusterLength = <u32>load<u16>(cursor + layout.BACKEND_CLUSTER_BYTES_AT);
      backend.weight = load<u16>(cursor + layout.BACKEND_WEIGHT_AT);
      backend.trialWeight = load<u16>(cursor + layout.BACKEND_TRIAL_WEIGHT_AT);
      backend.valueLength = load<u16>(cursor + layout.BACKEND_VALUE_BYTES_AT);
      backend.takesOver = (load<u8>(cursor + layout.BACKEND_FLAGS_AT) & layout.BACKEND_TAKES_OVER) != 0;
      cursor += layout.BACKEND_BYTES;
      const cluster = join(cursor, clusterLength, service, next);
      if (cluster != null) foresee(cluster, shareOf(service, backend));
      backend.cluster = cluster;
      cursor += clusterLength;
      backend.valueAt = place;
      memory.copy(place, cursor, backend.valueLength);
      place += backend.valueLength;
      cursor += backend.valueLength;
    }
    // The next record holds numbers and pointers; keep it aligned for the host's sake, not for correctness.
    place = (place + 3) & ~3;
    for (let j: u32 = 0; j < entries; j++) {
      const entryLength = <u32>load<u16>(cursor);
      cursor += layout.ENTRY_BYTES;
      join(cursor, entryLength, service, next);
      cursor += entryLength;
    }
  }
}

function join(at: usize, length: u32, service: Service, next: u32): Cluster | null {
  const cluster = clusterOf(at, length);
  if (cluster == null) {
    missedClusters++;
    return null;
  }
  cluster.service = changetype<usize>(service);
  cluster.generation = next;
  cluster.isTried = service.trialShare > 0;
  return cluster;
}

/** Of the calls of both arms, out of WEIGHT_TOTAL. */
function shareOf(service: Service, backend: Backend): u32 {
  const total = layout.WEIGHT_TOTAL;
  return (backend.weight * (total - service.trialShare) + backend.trialWeight * service.trialShare) / total;
}

function isName(length: u32): bool {
  return length > 0 && length <= layout.MAX_NAME_BYTES;
}
