/** Log-linear latency buckets as agent/wire/layout draws them: 16 equal buckets in each power of two of µs. */
import {
  BUCKETS_PER_OCTAVE,
  HISTOGRAM_BUCKETS,
  HISTOGRAM_MIN_OCTAVE,
  HISTOGRAM_OCTAVES,
} from '../../agent/wire/layout';

const SIXTEENTH_BITS: u32 = 4;

/** Bucket of a latency in µs, 0 to HISTOGRAM_BUCKETS - 1. */
export function bucketOf(latencyUs: u64): u32 {
  if (latencyUs < (<u64>1) << HISTOGRAM_MIN_OCTAVE) return 0;
  const octave = <u32>(63 - clz(latencyUs));
  if (octave >= HISTOGRAM_MIN_OCTAVE + HISTOGRAM_OCTAVES) return HISTOGRAM_BUCKETS - 1;
  const sixteenth = <u32>(latencyUs >> (octave - SIXTEENTH_BITS)) & (BUCKETS_PER_OCTAVE - 1);
  return 1 + (octave - HISTOGRAM_MIN_OCTAVE) * BUCKETS_PER_OCTAVE + sixteenth;
}
