/**
 * The latency of a backend when nothing queues, as one caller group sees it: what was measured at the least load lately. At no
 * more than that load there can be no more queue, so what is seen then is the new floor, be it higher or lower; above it
 * the floor stays, and what the calls take beyond it is queue. The load is forgotten slowly, so that a floor that was
 * measured once, in a quiet minute of last week, does not count for ever.
 */
import { type Decayed, latencyMoments } from '../graph/decayed.ts';

/** Calls without which a mean says nothing. */
const LEAST_CALLS = 20;
/** The load of the floor doubles in this time unless it is measured again. */
const DOUBLING_MS = 1_800_000;
/** Part of the way to a new measurement at each window. */
const GAIN = 0.2;
/** Standard errors within which a mean is not told from the floor. */
const SURE = 2;

export interface Floor {
  latencyMs: number;
  /** Load of all groups at which it was measured, requests per second. */
  loadRps: number;
}

export function newFloor(): Floor {
  return { latencyMs: 0, loadRps: 0 };
}

/** Learns from the present. @param loadRps of all groups at the backend */
export function learnFloor(floor: Floor, recent: Decayed, loadRps: number, passedMs: number): void {
  const { count, meanMs } = latencyMoments(recent, Number.POSITIVE_INFINITY);
  floor.loadRps *= 2 ** (passedMs / DOUBLING_MS);
  if (count < LEAST_CALLS) return;
  if (floor.latencyMs === 0) {
    floor.latencyMs = meanMs;
    floor.loadRps = loadRps;
  } else if (loadRps <= floor.loadRps || meanMs < floor.latencyMs) {
    floor.latencyMs += GAIN * (meanMs - floor.latencyMs);
    floor.loadRps = Math.min(floor.loadRps, loadRps);
  }
}

/** Mean wait beyond the floor, ms; 0 while it is not told from chance. */
export function queueOver(floor: Floor, recent: Decayed): number {
  const { count, meanMs, meanSquareMs2 } = latencyMoments(recent, Number.POSITIVE_INFINITY);
  if (floor.latencyMs === 0 || count < LEAST_CALLS) return 0;
  const standardError = Math.sqrt(Math.max(0, meanSquareMs2 - meanMs * meanMs) / count);
  const waitMs = meanMs - floor.latencyMs;
  return waitMs > SURE * standardError ? waitMs : 0;
}
