/**
 * The edges of a samples message, as agent/wire/layout.ts draws them: written from the samples, which are cleared as they
 * are written. The buffer is reserved once and doubled when the clusters in use might not fit; past MAX_SAMPLES_BYTES what
 * does not fit stays in its sample for the message after this one.
 */
import * as layout from '../../agent/wire/layout';
import { reserve } from '../host/memory';
import { Cluster, firstCluster, hasUntold, nameOf } from './clusters';
import { bucketCount, clearSample, hasCalls, outcomeCount, Sample } from './sample';

const FIRST_BYTES: u32 = 65536;
const MAX_EDGE_BYTES: u32 = layout.EDGE_BYTES + layout.MAX_NAME_BYTES + layout.HISTOGRAM_BUCKETS * layout.BUCKET_BYTES;
/** The stable arm of a cluster, and the trial arms of two trials. */
const EDGES_PER_CLUSTER: u32 = 3;
const MAX_CLUSTER_BYTES: u32 = MAX_EDGE_BYTES * EDGES_PER_CLUSTER;
/** The count's field has 16 bits. */
const MAX_EDGES: u32 = 65535;

/** Where the message is; its header's bytes are the caller's to write. */
export let message: usize = 0;
let capacity: u32 = 0;

/** Of the last `writeEdges`. */
export let messageLength: u32 = 0;
export let edgeCount: u32 = 0;
export let isComplete: bool = true;

/** Whether any cluster has calls to tell of or requests in flight. */
export function hasNews(): bool {
  let cluster = firstCluster;
  while (cluster != null) {
    if (hasNewsOf(cluster)) return true;
    cluster = cluster.next;
  }
  return false;
}

/** Writes every edge that has something to say. False when there is no memory for a message at all. */
export function writeEdges(): bool {
  makeRoom();
  if (capacity < layout.SAMPLES_HEADER_BYTES) return false;
  let cursor = message + layout.SAMPLES_HEADER_BYTES;
  const end = message + capacity;
  edgeCount = 0;
  isComplete = true;
  let cluster = firstCluster;
  while (cluster != null) {
    if (end - cursor < MAX_CLUSTER_BYTES || edgeCount > MAX_EDGES - EDGES_PER_CLUSTER) {
      isComplete = false;
      break;
    }
    if (cluster.inFlight > 0 || hasCalls(cluster.stable)) {
      cursor = writeEdge(cluster, cluster.stable, layout.ARM_STABLE, cluster.inFlight, cursor);
    }
    if (hasCalls(cluster.trialA)) cursor = writeEdge(cluster, cluster.trialA, layout.ARM_TRIAL, 0, cursor);
    if (hasCalls(cluster.trialB)) cursor = writeEdge(cluster, cluster.trialB, layout.ARM_TRIAL, 0, cursor);
    cluster = cluster.next;
  }
  messageLength = <u32>(cursor - message);
  return true;
}

/** Forgets what the samples hold, without telling anybody. True when they held anything. */
export function clearSamples(): bool {
  let hadCalls = false;
  let cluster = firstCluster;
  while (cluster != null) {
    if (hasUntold(cluster)) hadCalls = true;
    clearSample(cluster.stable);
    clearSample(cluster.trialA);
    clearSample(cluster.trialB);
    cluster = cluster.next;
  }
  return hadCalls;
}

/** Writes an edge, clears its sample and returns where the next one goes. */
function writeEdge(cluster: Cluster, sample: Sample | null, arm: u32, inFlight: u32, at: usize): usize {
  memory.fill(at, 0, layout.EDGE_BYTES);
  store<u16>(at + layout.EDGE_NAME_BYTES_AT, cluster.nameLength);
  store<u8>(at + layout.EDGE_ARM_AT, arm);
  store<u32>(at + layout.EDGE_IN_FLIGHT_AT, inFlight);
  memory.copy(at + layout.EDGE_BYTES, nameOf(cluster), cluster.nameLength);
  edgeCount++;
  let cursor = at + layout.EDGE_BYTES + cluster.nameLength;
  if (sample == null) return cursor;
  store<u32>(at + layout.EDGE_TRIAL_ID_AT, sample.trialId);
  for (let i: u32 = 0; i < layout.OUTCOME_COUNT; i++) {
    store<u32>(at + layout.EDGE_OUTCOMES_AT + i * 4, outcomeCount(sample, i));
  }
  store<u32>(at + layout.EDGE_RETRIES_AT, sample.retries);
  store<u64>(at + layout.EDGE_LATENCY_SUM_US_AT, sample.latencySumUs);
  let buckets: u32 = 0;
  for (let i: u32 = 0; i < layout.HISTOGRAM_BUCKETS; i++) {
    const count = bucketCount(sample, i);
    if (count == 0) continue;
    store<u16>(cursor, i);
    store<u32>(cursor + 2, count);
    cursor += layout.BUCKET_BYTES;
    buckets++;
  }
  store<u16>(at + layout.EDGE_BUCKET_COUNT_AT, buckets);
  clearSample(sample);
  return cursor;
}

function hasNewsOf(cluster: Cluster): bool {
  return cluster.inFlight > 0 || hasUntold(cluster);
}

/** Room for every cluster that has something to say, were its histograms full, up to the most that an agent takes. */
function makeRoom(): void {
  let wanted: u32 = layout.SAMPLES_HEADER_BYTES + MAX_CLUSTER_BYTES;
  let cluster = firstCluster;
  while (cluster != null && wanted < layout.MAX_SAMPLES_BYTES) {
    if (hasNewsOf(cluster)) wanted += MAX_CLUSTER_BYTES;
    cluster = cluster.next;
  }
  if (wanted <= capacity) return;
  const larger = max<u32>(max<u32>(FIRST_BYTES, capacity * 2), wanted);
  const size = min<u32>(larger, layout.MAX_SAMPLES_BYTES);
  if (size <= capacity) return;
  const place = reserve(size);
  if (place == 0) return;
  message = place;
  capacity = size;
}
