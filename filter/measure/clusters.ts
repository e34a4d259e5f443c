/**
 * Every Envoy cluster that this VM has seen called or that its table names, found by name. A cluster knows its requests in
 * flight, its samples per arm, and the service that the table in force makes it part of: one look-up serves all three.
 *
 * Records never move and are bounded by `max_clusters`. Those that nothing uses any more are given back on ticks.
 */
import { ARM_STABLE, MAX_NAME_BYTES } from '../../agent/wire/layout';
import { hashOf, isEqual } from '../host/bytes';
import { reserve } from '../host/memory';
import { hasCalls, prepareSamples, releaseSample, Sample, takeSample } from './sample';

/** Records kept ready for clusters that are called for the first time between two ticks. */
const SPARE_CLUSTERS: u32 = 64;
const CLUSTERS_PER_CHUNK: u32 = 32;
/** A cluster that was not called for so many agings (one a minute) is forgotten; sooner when all records are taken. */
const IDLE_AGINGS: u32 = 10;

@unmanaged
export class Cluster {
  next: Cluster | null; // free list or list of all
  hash: u32;
  inFlight: u32;
  /** Calls in a row, up to the last one that ended, that failed. */
  failuresInRow: u32;
  /** What measure/usual.ts keeps: calls answered since the last tick and their latency, */
  answered: u32;
  answeredUs: u64;
  /** and means that forget slowly, with the ticks that stand behind them. */
  usualInFlight: u32;
  usualUs: u32;
  flightTicks: u32;
  latencyTicks: u32;
  /** Share of its service's calls by the table in force, out of WEIGHT_TOTAL, both arms. */
  share: u32;
  stable: Sample | null;
  /** Trial arms of two trials, in no order: stragglers of the one before count apart from the one in force. */
  trialA: Sample | null;
  trialB: Sample | null;
  /** Service record of the table with this generation; stale when the generation differs. */
  service: usize;
  generation: u32;
  /** Whether the last table that named it draws for a trial: it wants a sample ready for that arm too. */
  isTried: bool;
  /** Agings since the last call. */
  idleAgings: u32;
  nameLength: u32;
  name: u8; // the first of MAX_NAME_BYTES
}

const NAME_AT: usize = offsetof<Cluster>('name');
const CLUSTER_BYTES: usize = (NAME_AT + MAX_NAME_BYTES + 7) & ~7;

let maxClusters: u32 = 0;
let made: u32 = 0;
let free: Cluster | null = null;
let freeCount: u32 = 0;
let slots: usize = 0;
let slotMask: u32 = 0;
/** Head of the list of clusters in use. */
export let firstCluster: Cluster | null = null;

/** Sets the bound and makes the index. Later calls may only raise the bound. False when memory ran out. */
export function configureClusters(max: u32): bool {
  if (max > maxClusters) {
    let count: u32 = 16;
    while (count < max * 2) count <<= 1;
    if (count > slotMask + 1) {
      const index = reserve(<usize>count * 4);
      if (index == 0) return false;
      slots = index;
      slotMask = count - 1;
      rebuildIndex();
    }
    maxClusters = max;
  }
  prepareClusters(0);
  return true;
}

/**
 * Keeps records ready, for `more` new clusters beside the usual spare ones, and a sample for each that has none yet. Never
 * while a request passes.
 */
export function prepareClusters(more: u32): void {
  while (freeCount < SPARE_CLUSTERS + more && made < maxClusters) {
    const count = min(CLUSTERS_PER_CHUNK, maxClusters - made);
    const chunk = reserve(CLUSTER_BYTES * count);
    if (chunk == 0) break;
    made += count;
    for (let i: u32 = 0; i < count; i++) giveBack(changetype<Cluster>(chunk + <usize>i * CLUSTER_BYTES));
  }
  let unsampled: u32 = 0;
  let cluster = firstCluster;
  while (cluster != null) {
    if (cluster.stable == null) unsampled++;
    if (cluster.isTried && cluster.trialA == null) unsampled++;
    cluster = cluster.next;
  }
  prepareSamples(unsampled);
}

/** New clusters that records are ready for. */
export function spareClusters(): u32 {
  return freeCount;
}

/** Whether every record that may be is taken. */
export function isCrowded(): bool {
  return freeCount == 0 && made >= maxClusters;
}

export function nameOf(cluster: Cluster): usize {
  return changetype<usize>(cluster) + NAME_AT;
}

/** The record of a known cluster, or null. */
export function findCluster(at: usize, length: u32): Cluster | null {
  if (slots == 0) return null;
  const found = load<usize>(slotOf(at, length, hashOf(at, length)));
  return found == 0 ? null : changetype<Cluster>(found);
}

/** The record of a cluster, made from a spare one when it is new; null when none is left or the name is no name. */
export function clusterOf(at: usize, length: u32): Cluster | null {
  if (length == 0 || length > MAX_NAME_BYTES || slots == 0) return null;
  const hash = hashOf(at, length);
  const slot = slotOf(at, length, hash);
  const found = load<usize>(slot);
  if (found != 0) return changetype<Cluster>(found);
  const cluster = free;
  if (cluster == null) return null;
  free = cluster.next;
  freeCount--;
  cluster.hash = hash;
  cluster.nameLength = length;
  memory.copy(nameOf(cluster), at, length);
  cluster.next = firstCluster;
  firstCluster = cluster;
  store<usize>(slot, changetype<usize>(cluster));
  return cluster;
}

/**
 * The sample that a call counts in; the trial id matters on the trial arm alone. Null when none is ready, or when the calls
 * of two other trials are not told of yet.
 */
export function sampleOf(cluster: Cluster | null, arm: u32, trialId: u32): Sample | null {
  if (cluster == null) return null;
  if (arm == ARM_STABLE) {
    if (cluster.stable == null) cluster.stable = takeSample();
    return cluster.stable;
  }
  if (isOf(cluster.trialA, trialId)) return cluster.trialA;
  if (isOf(cluster.trialB, trialId)) return cluster.trialB;
  let sample: Sample | null = null;
  if (!hasCalls(cluster.trialA)) {
    if (cluster.trialA == null) cluster.trialA = takeSample();
    sample = cluster.trialA;
  } else if (!hasCalls(cluster.trialB)) {
    if (cluster.trialB == null) cluster.trialB = takeSample();
    sample = cluster.trialB;
  }
  if (sample != null) sample.trialId = trialId;
  return sample;
}

function isOf(sample: Sample | null, trialId: u32): bool {
  return sample != null && sample.calls > 0 && sample.trialId == trialId;
}

/** Whether there are calls on any arm that were not told of. */
export function hasUntold(cluster: Cluster): bool {
  return hasCalls(cluster.stable) || hasCalls(cluster.trialA) || hasCalls(cluster.trialB);
}

/**
 * Forgets clusters that were not called for long, have nothing to tell and are not in the table of this generation (0:
 * there is no table).
 */
export function reclaimClusters(generation: u32, isAging: bool): void {
  const mostAgings: u32 = isCrowded() ? 0 : IDLE_AGINGS;
  let kept: Cluster | null = null;
  let cluster = firstCluster;
  let hasDropped = false;
  while (cluster != null) {
    const next = cluster.next;
    const isUsed = cluster.inFlight > 0 || (generation != 0 && cluster.generation == generation) || hasUntold(cluster);
    if (isUsed) cluster.idleAgings = 0;
    else if (isAging) cluster.idleAgings++;
    if (cluster.idleAgings > mostAgings) {
      giveBack(cluster);
      hasDropped = true;
    } else {
      cluster.next = kept;
      kept = cluster;
    }
    cluster = next;
  }
  firstCluster = kept;
  if (hasDropped) rebuildIndex();
}

function giveBack(cluster: Cluster): void {
  releaseSample(cluster.stable);
  releaseSample(cluster.trialA);
  releaseSample(cluster.trialB);
  memory.fill(changetype<usize>(cluster), 0, NAME_AT);
  cluster.next = free;
  free = cluster;
  freeCount++;
}

/** Where the cluster's address stands, or would stand. The index has twice as many slots as there are records. */
function slotOf(at: usize, length: u32, hash: u32): usize {
  let slot = hash & slotMask;
  let place = slots + ((<usize>slot) << 2);
  while (load<usize>(place) != 0) {
    const cluster = changetype<Cluster>(load<usize>(place));
    if (cluster.hash == hash && isEqual(nameOf(cluster), cluster.nameLength, at, length)) break;
    slot = (slot + 1) & slotMask;
    place = slots + ((<usize>slot) << 2);
  }
  return place;
}

function rebuildIndex(): void {
  memory.fill(slots, 0, (<usize>(slotMask + 1)) << 2);
  let cluster = firstCluster;
  while (cluster != null) {
    store<usize>(slotOf(nameOf(cluster), cluster.nameLength, cluster.hash), changetype<usize>(cluster));
    cluster = cluster.next;
  }
}
