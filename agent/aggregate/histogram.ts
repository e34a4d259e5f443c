/**
 * Latency histograms in the filter's buckets (agent/wire/layout.ts): merged by adding counts, which loses nothing, and sent
 * on as plain values, so that the controller need not know how buckets are cut.
 */
import { BUCKETS_PER_OCTAVE, HISTOGRAM_BUCKETS, HISTOGRAM_MIN_OCTAVE, HISTOGRAM_OCTAVES } from '../wire/layout.ts';

const MAX_COUNT = 0xffffffff;

/** Bounds of a bucket in µs: from `lowUs`, below `highUs`. The first begins at 0 and the last has no end. */
export function bucketBounds(bucket: number): { readonly lowUs: number; readonly highUs: number } {
  if (bucket === 0) return { lowUs: 0, highUs: 2 ** HISTOGRAM_MIN_OCTAVE };
  if (bucket >= HISTOGRAM_BUCKETS - 1) {
    return { lowUs: 2 ** (HISTOGRAM_MIN_OCTAVE + HISTOGRAM_OCTAVES), highUs: Number.POSITIVE_INFINITY };
  }
  const octave = HISTOGRAM_MIN_OCTAVE + Math.floor((bucket - 1) / BUCKETS_PER_OCTAVE);
  const stepUs = 2 ** octave / BUCKETS_PER_OCTAVE;
  const lowUs = 2 ** octave + ((bucket - 1) % BUCKETS_PER_OCTAVE) * stepUs;
  return { lowUs, highUs: lowUs + stepUs };
}

/**
 * The value that stands for a bucket, µs: the harmonic mean of its bounds, whose relative error is the same against both
 * and 3.1 % at most. Half the bound for the first bucket, the lower bound for the last.
 */
const bucketValuesUs: readonly number[] = Array.from({ length: HISTOGRAM_BUCKETS }, (_, bucket) => {
  const { lowUs, highUs } = bucketBounds(bucket);
  if (lowUs === 0) return highUs / 2;
  return Math.round(highUs === Number.POSITIVE_INFINITY ? lowUs : (2 * lowUs * highUs) / (lowUs + highUs));
});

export class Histogram {
  readonly #counts = new Uint32Array(HISTOGRAM_BUCKETS);

  /** Merges in what a filter or another histogram counted. @param buckets index and count in turn */
  add(buckets: readonly number[]): void {
    const counts = this.#counts;
    for (let i = 0; i + 1 < buckets.length; i += 2) {
      const bucket = buckets[i] ?? 0;
      // A count that would wrap around would look like silence.
      counts[bucket] = Math.min(MAX_COUNT, (counts[bucket] ?? 0) + (buckets[i + 1] ?? 0));
    }
  }

  /** Value in µs and count in turn, values ascending, empty buckets left out. */
  toValues(): number[] {
    const values: number[] = [];
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      const count = this.#counts[bucket] ?? 0;
      if (count > 0) values.push(bucketValuesUs[bucket] ?? 0, count);
    }
    return values;
  }
}
