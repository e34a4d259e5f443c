/**
 * Samples messages to objects and back, as agent/wire/layout.ts draws them. Whatever a filter, or whoever reached its port,
 * sends comes through here: every length is checked before a byte is read, and a message is taken whole or not at all.
 */
import { BadFrame } from '../errors.ts';
import * as layout from './layout.ts';

/** Calls of one VM to one Envoy cluster on one arm since its message before. */
export interface EdgeSample {
  readonly cluster: string;
  readonly arm: 'stable' | 'trial';
  readonly trialId: number;
  readonly inFlight: number;
  /** Calls by OUTCOME_*. */
  readonly outcomes: readonly number[];
  readonly retries: number;
  readonly latencySumUs: number;
  /** Histogram, flat: index, count, index, count... indexes ascending. */
  readonly buckets: readonly number[];
}

export interface Samples {
  /** 16 hex digits. */
  readonly vmId: string;
  readonly sequence: number;
  readonly intervalMs: number;
  /** 16 hex digits; zeros: none. */
  readonly viewId: string;
  readonly tableEpoch: number;
  readonly tableNumber: number;
  readonly droppedCalls: number;
  readonly lostSamples: number;
  readonly strippedHeaders: number;
  readonly steeredCalls: number;
  readonly rejectedTables: number;
  readonly configErrors: number;
  readonly edges: readonly EdgeSample[];
}

/** @throws BadFrame naming what is wrong and at which byte */
export function decodeSamples(bytes: Uint8Array): Samples {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < layout.SAMPLES_HEADER_BYTES) {
    throw new BadFrame(
      `a samples message has ${layout.SAMPLES_HEADER_BYTES} bytes at least, this one has ${view.length}`,
    );
  }
  if (view.length > layout.MAX_SAMPLES_BYTES) {
    throw new BadFrame(`a samples message has ${layout.MAX_SAMPLES_BYTES} bytes at most, this one has ${view.length}`);
  }
  const magic = view.readUInt32LE(layout.SAMPLES_MAGIC_AT);
  if (magic !== layout.SAMPLES_MAGIC) {
    throw new BadFrame(`a samples message begins with "WSMP", this one with 0x${view.toString('hex', 0, 4)}`);
  }
  const version = view.readUInt16LE(layout.SAMPLES_VERSION_AT);
  if (version !== layout.PROTOCOL_VERSION) {
    throw new BadFrame(`the samples message is of version ${version}, this agent speaks ${layout.PROTOCOL_VERSION}`);
  }
  const edges: EdgeSample[] = [];
  const edgeCount = view.readUInt16LE(layout.SAMPLES_EDGE_COUNT_AT);
  let at = layout.SAMPLES_HEADER_BYTES;
  for (let i = 0; i < edgeCount; i++) {
    const { edge, next } = decodeEdge(view, at, i, edgeCount);
    edges.push(edge);
    at = next;
  }
  if (at !== view.length) {
    throw new BadFrame(`the samples message has ${view.length - at} bytes after the last of its ${edgeCount} edges`);
  }
  return {
    vmId: readId(view, layout.SAMPLES_VM_ID_AT),
    sequence: view.readUInt32LE(layout.SAMPLES_SEQUENCE_AT),
    intervalMs: view.readUInt32LE(layout.SAMPLES_INTERVAL_MS_AT),
    viewId: readId(view, layout.SAMPLES_VIEW_ID_AT),
    tableEpoch: view.readUInt32LE(layout.SAMPLES_TABLE_EPOCH_AT),
    tableNumber: view.readUInt32LE(layout.SAMPLES_TABLE_NUMBER_AT),
    droppedCalls: view.readUInt32LE(layout.SAMPLES_DROPPED_CALLS_AT),
    lostSamples: view.readUInt32LE(layout.SAMPLES_LOST_SAMPLES_AT),
    strippedHeaders: view.readUInt32LE(layout.SAMPLES_STRIPPED_HEADERS_AT),
    steeredCalls: view.readUInt32LE(layout.SAMPLES_STEERED_CALLS_AT),
    rejectedTables: view.readUInt32LE(layout.SAMPLES_REJECTED_TABLES_AT),
    configErrors: view.readUInt32LE(layout.SAMPLES_CONFIG_ERRORS_AT),
    edges,
  };
}

function decodeEdge(view: Buffer, at: number, i: number, count: number): { edge: EdgeSample; next: number } {
  const fail = (fault: string) => new BadFrame(`edge ${i + 1} of ${count}, at byte ${at}: ${fault}`);
  const left = view.length - at;
  if (left < layout.EDGE_BYTES) throw fail(`an edge has ${layout.EDGE_BYTES} bytes at least, ${left} are left`);
  const nameBytes = view.readUInt16LE(at + layout.EDGE_NAME_BYTES_AT);
  if (nameBytes === 0 || nameBytes > layout.MAX_NAME_BYTES) {
    throw fail(`its name has ${nameBytes} bytes, allowed are 1 to ${layout.MAX_NAME_BYTES}`);
  }
  const arm = view.readUInt8(at + layout.EDGE_ARM_AT);
  if (arm > layout.ARM_TRIAL) throw fail(`its arm is ${arm}, allowed are 0 (stable) and 1 (trial)`);
  const bucketCount = view.readUInt16LE(at + layout.EDGE_BUCKET_COUNT_AT);
  if (bucketCount > layout.HISTOGRAM_BUCKETS) {
    throw fail(`it has ${bucketCount} buckets, a histogram has ${layout.HISTOGRAM_BUCKETS}`);
  }
  const bytes = layout.EDGE_BYTES + nameBytes + bucketCount * layout.BUCKET_BYTES;
  if (left < bytes) throw fail(`it needs ${bytes} bytes, ${left} are left`);

  const outcomes: number[] = [];
  for (let o = 0; o < layout.OUTCOME_COUNT; o++) outcomes.push(view.readUInt32LE(at + layout.EDGE_OUTCOMES_AT + o * 4));
  const latencySumUs =
    view.readUInt32LE(at + layout.EDGE_LATENCY_SUM_US_AT) +
    view.readUInt32LE(at + layout.EDGE_LATENCY_SUM_US_AT + 4) * 0x1_0000_0000;
  if (latencySumUs > Number.MAX_SAFE_INTEGER) throw fail(`a latency sum of ${latencySumUs} µs is no sum of calls`);
  const nameAt = at + layout.EDGE_BYTES;
  return {
    edge: {
      cluster: view.toString('utf8', nameAt, nameAt + nameBytes),
      arm: arm === layout.ARM_STABLE ? 'stable' : 'trial',
      trialId: view.readUInt32LE(at + layout.EDGE_TRIAL_ID_AT),
      inFlight: view.readUInt32LE(at + layout.EDGE_IN_FLIGHT_AT),
      outcomes,
      retries: view.readUInt32LE(at + layout.EDGE_RETRIES_AT),
      latencySumUs,
      buckets: decodeBuckets(view, nameAt + nameBytes, bucketCount, fail),
    },
    next: at + bytes,
  };
}

function decodeBuckets(view: Buffer, at: number, count: number, fail: (fault: string) => BadFrame): readonly number[] {
  const buckets: number[] = [];
  let last = -1;
  for (let i = 0; i < count; i++) {
    const index = view.readUInt16LE(at + i * layout.BUCKET_BYTES);
    const calls = view.readUInt32LE(at + i * layout.BUCKET_BYTES + 2);
    if (index >= layout.HISTOGRAM_BUCKETS) {
      throw fail(`bucket index ${index} is out of range, the last is ${layout.HISTOGRAM_BUCKETS - 1}`);
    }
    if (index <= last) throw fail(`bucket index ${index} follows ${last}, indexes must ascend`);
    if (calls === 0) throw fail(`bucket ${index} is empty and should have been left out`);
    buckets.push(index, calls);
    last = index;
  }
  return buckets;
}

/** The bytes of a samples message. The filter writes them by itself; tests and tools that stand in for one use this. */
export function encodeSamples(samples: Samples): Buffer {
  const names = samples.edges.map((edge) => Buffer.from(edge.cluster, 'utf8'));
  const edgeBytes = samples.edges.map(
    (edge, i) => layout.EDGE_BYTES + (names[i]?.length ?? 0) + (edge.buckets.length / 2) * layout.BUCKET_BYTES,
  );
  const out = Buffer.alloc(edgeBytes.reduce((sum, bytes) => sum + bytes, layout.SAMPLES_HEADER_BYTES));
  out.writeUInt32LE(layout.SAMPLES_MAGIC, layout.SAMPLES_MAGIC_AT);
  out.writeUInt16LE(layout.PROTOCOL_VERSION, layout.SAMPLES_VERSION_AT);
  out.writeUInt16LE(samples.edges.length, layout.SAMPLES_EDGE_COUNT_AT);
  out.write(samples.vmId, layout.SAMPLES_VM_ID_AT, 8, 'hex');
  out.subarray(layout.SAMPLES_VM_ID_AT, layout.SAMPLES_VM_ID_AT + 8).reverse();
  out.writeUInt32LE(samples.sequence, layout.SAMPLES_SEQUENCE_AT);
  out.writeUInt32LE(samples.intervalMs, layout.SAMPLES_INTERVAL_MS_AT);
  out.write(samples.viewId, layout.SAMPLES_VIEW_ID_AT, 8, 'hex');
  out.subarray(layout.SAMPLES_VIEW_ID_AT, layout.SAMPLES_VIEW_ID_AT + 8).reverse();
  out.writeUInt32LE(samples.tableEpoch, layout.SAMPLES_TABLE_EPOCH_AT);
  out.writeUInt32LE(samples.tableNumber, layout.SAMPLES_TABLE_NUMBER_AT);
  out.writeUInt32LE(samples.droppedCalls, layout.SAMPLES_DROPPED_CALLS_AT);
  out.writeUInt32LE(samples.lostSamples, layout.SAMPLES_LOST_SAMPLES_AT);
  out.writeUInt32LE(samples.strippedHeaders, layout.SAMPLES_STRIPPED_HEADERS_AT);
  out.writeUInt32LE(samples.steeredCalls, layout.SAMPLES_STEERED_CALLS_AT);
  out.writeUInt32LE(samples.rejectedTables, layout.SAMPLES_REJECTED_TABLES_AT);
  out.writeUInt32LE(samples.configErrors, layout.SAMPLES_CONFIG_ERRORS_AT);
  let at = layout.SAMPLES_HEADER_BYTES;
  for (const [i, edge] of samples.edges.entries()) {
    encodeEdge(out, at, edge, names[i] ?? Buffer.alloc(0));
    at += edgeBytes[i] ?? 0;
  }
  return out;
}

function encodeEdge(out: Buffer, at: number, edge: EdgeSample, name: Buffer): void {
  out.writeUInt16LE(name.length, at + layout.EDGE_NAME_BYTES_AT);
  out.writeUInt8(edge.arm === 'stable' ? layout.ARM_STABLE : layout.ARM_TRIAL, at + layout.EDGE_ARM_AT);
  out.writeUInt16LE(edge.buckets.length / 2, at + layout.EDGE_BUCKET_COUNT_AT);
  out.writeUInt32LE(edge.trialId, at + layout.EDGE_TRIAL_ID_AT);
  out.writeUInt32LE(edge.inFlight, at + layout.EDGE_IN_FLIGHT_AT);
  for (const [i, calls] of edge.outcomes.entries()) out.writeUInt32LE(calls, at + layout.EDGE_OUTCOMES_AT + i * 4);
  out.writeUInt32LE(edge.retries, at + layout.EDGE_RETRIES_AT);
  out.writeBigUInt64LE(BigInt(edge.latencySumUs), at + layout.EDGE_LATENCY_SUM_US_AT);
  name.copy(out, at + layout.EDGE_BYTES);
  for (let i = 0; i < edge.buckets.length; i += 2) {
    const place = at + layout.EDGE_BYTES + name.length + (i / 2) * layout.BUCKET_BYTES;
    out.writeUInt16LE(edge.buckets[i] ?? 0, place);
    out.writeUInt32LE(edge.buckets[i + 1] ?? 0, place + 2);
  }
}

/** A u64 as 16 hex digits, most significant first. */
export function readId(view: Buffer, at: number): string {
  const hex = (word: number) => word.toString(16).padStart(8, '0');
  return hex(view.readUInt32LE(at + 4)) + hex(view.readUInt32LE(at));
}
