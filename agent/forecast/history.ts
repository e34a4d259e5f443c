/**
 * The past of one series, in a ring: what forecasters look back on, kept once for all of them.
 *
 * 1,440 windows of 10 s are four hours, in which seasons of up to two can be seen. Singles are exact enough (seven digits)
 * and keep 5,000 series within 29 MB; the ring grows with the series, so that short-lived ones cost little.
 */
import type { Past } from './forecaster.ts';
import { findSeason } from './season.ts';

export const MAX_WINDOWS = 1_440;
/** No node makes more requests per second; above it a figure is a fault, and sums of its squares would not be finite. */
export const MAX_LOAD_RPS = 1e12;
const FIRST_WINDOWS = 64;

export class History implements Past {
  season = 0;
  #ring = new Float32Array(FIRST_WINDOWS);
  /** Where the next value goes. */
  #next = 0;
  #length = 0;

  /** Adds the newest load. @returns it as it is kept: finite, 0 to MAX_LOAD_RPS */
  push(loadRps: number): number {
    const kept = Math.fround(loadRps > 0 ? Math.min(loadRps, MAX_LOAD_RPS) : 0);
    if (this.#length === this.#ring.length && this.#length < MAX_WINDOWS) this.#grow();
    this.#ring[this.#next] = kept;
    this.#next = (this.#next + 1) % this.#ring.length;
    this.#length = Math.min(this.#length + 1, this.#ring.length);
    return kept;
  }

  get length(): number {
    return this.#length;
  }

  ago(windows: number): number {
    if (windows < 0 || windows >= this.#length) return 0;
    const size = this.#ring.length;
    return this.#ring[(this.#next - 1 - windows + size) % size] ?? 0;
  }

  /** Looks for the season again. Costs what findSeason says; whoever calls it for many series spreads them. */
  lookForSeason(): void {
    this.season = findSeason(this.#oldestFirst());
  }

  #oldestFirst(): Float64Array {
    const values = new Float64Array(this.#length);
    for (let i = 0; i < this.#length; i++) values[i] = this.ago(this.#length - 1 - i);
    return values;
  }

  #grow(): void {
    const ring = new Float32Array(Math.min(MAX_WINDOWS, this.#length * 2));
    ring.set(this.#oldestFirst());
    this.#ring = ring;
    this.#next = this.#length;
  }
}
