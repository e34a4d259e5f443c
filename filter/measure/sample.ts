/**
 * What is kept of the calls on one (cluster, arm) since the last message: a fixed block, so that recording a call is a few
 * additions. Blocks are made on ticks and taken from a free list; a call that finds none is counted as dropped.
 *
 *    0 next (free list)   4 trialId   8 calls   12 outcomes 6 × u32   36 retries   40 latencySumUs u64   48 buckets u32 × 322
 */
import { HISTOGRAM_BUCKETS, OUTCOME_5XX, OUTCOME_COUNT, OUTCOME_RESET } from '../../agent/wire/layout';
import { reserve } from '../host/memory';
import { bucketOf } from './histogram';

/** Blocks kept ready for clusters that are called for the first time between two ticks. */
const SPARE_SAMPLES: u32 = 64;
const SAMPLES_PER_CHUNK: u32 = 16;
/** 71 min. A clock that was set on by years must not make a sum that no agent takes, and the message with it. */
const LONGEST_US: u64 = 1 << 32;

@unmanaged
export class Sample {
  next: Sample | null;
  trialId: u32;
  calls: u32;
  outcomes: u32; // the first of OUTCOME_COUNT
  outcome1: u32;
  outcome2: u32;
  outcome3: u32;
  outcome4: u32;
  outcome5: u32;
  retries: u32;
  latencySumUs: u64;
  buckets: u32; // the first of HISTOGRAM_BUCKETS
}

const OUTCOMES_AT: usize = offsetof<Sample>('outcomes');
const BUCKETS_AT: usize = offsetof<Sample>('buckets');
const SAMPLE_BYTES: usize = (BUCKETS_AT + <usize>HISTOGRAM_BUCKETS * 4 + 7) & ~7;

let free: Sample | null = null;
let freeCount: u32 = 0;

/** Makes blocks until those that are spare serve `more` clusters beside the usual ones. Never while a request passes. */
export function prepareSamples(more: u32): void {
  while (freeCount < SPARE_SAMPLES + more) {
    const chunk = reserve(SAMPLE_BYTES * SAMPLES_PER_CHUNK);
    if (chunk == 0) return;
    for (let i: u32 = 0; i < SAMPLES_PER_CHUNK; i++) releaseSample(changetype<Sample>(chunk + <usize>i * SAMPLE_BYTES));
  }
}

export function hasCalls(sample: Sample | null): bool {
  return sample != null && sample.calls > 0;
}

export function takeSample(): Sample | null {
  const sample = free;
  if (sample == null) return null;
  free = sample.next;
  freeCount--;
  return sample;
}

export function releaseSample(sample: Sample | null): void {
  if (sample == null) return;
  clearSample(sample);
  sample.next = free;
  free = sample;
  freeCount++;
}

export function clearSample(sample: Sample | null): void {
  if (sample != null) memory.fill(changetype<usize>(sample), 0, SAMPLE_BYTES);
}

export function record(sample: Sample, outcome: u32, latencyUs: u64, retries: u32): void {
  sample.calls++;
  sample.retries += retries;
  const counter = changetype<usize>(sample) + OUTCOMES_AT + <usize>outcome * 4;
  store<u32>(counter, load<u32>(counter) + 1);
  if (outcome == OUTCOME_5XX || outcome == OUTCOME_RESET) return;
  sample.latencySumUs += min<u64>(latencyUs, LONGEST_US);
  const bucket = bucketAt(sample, bucketOf(latencyUs));
  store<u32>(bucket, load<u32>(bucket) + 1);
}

export function outcomeCount(sample: Sample, outcome: u32): u32 {
  return outcome < OUTCOME_COUNT ? load<u32>(changetype<usize>(sample) + OUTCOMES_AT + <usize>outcome * 4) : 0;
}

export function bucketCount(sample: Sample, bucket: u32): u32 {
  return load<u32>(bucketAt(sample, bucket));
}

function bucketAt(sample: Sample, bucket: u32): usize {
  return changetype<usize>(sample) + BUCKETS_AT + <usize>bucket * 4;
}
