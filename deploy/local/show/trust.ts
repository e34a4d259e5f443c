/**
 * Whether the figures of a run are to be believed. All of a mesh shares one machine: when that has no time left, latencies
 * tell of the machine, and a load generator that sends late tells of itself. Pure.
 */
import type { RequestRecord } from '../apps/messages.ts';
import { milliseconds, percent, quantile } from './figures.ts';

/** A request sent this late is a tenth of what the demo's requests take. */
const LATE_MS = 10;
/** Beyond this, queues for the processor are as long as those in the mesh. */
const BUSY_RATIO = 0.85;

export interface Trust {
  /** How late requests were sent, against the plan. */
  readonly lagP50Ms: number | undefined;
  readonly lagP99Ms: number | undefined;
  readonly lagMaxMs: number | undefined;
  /** Share of the machine's processor time that all processes used, 0 to 1. */
  readonly busyRatio: number | undefined;
}

export function trustOf(requests: readonly RequestRecord[], busyRatio: number | undefined): Trust {
  const lags = requests.filter(({ atMs }) => atMs >= 0).map(({ lagMs }) => lagMs);
  lags.sort((a, b) => a - b);
  return { lagP50Ms: quantile(lags, 0.5), lagP99Ms: quantile(lags, 0.99), lagMaxMs: lags.at(-1), busyRatio };
}

/** Sentences for whatever makes the figures doubtful; empty when nothing does. @param name of the run */
export function doubts({ lagP99Ms, busyRatio }: Trust, name: string): string[] {
  return [
    ...(lagP99Ms !== undefined && lagP99Ms > LATE_MS
      ? [
          `the ${name} run sent one request in 100 more than ${milliseconds(lagP99Ms)} late, which counts into its latencies: lower the load, or leave the machine alone`,
        ]
      : []),
    ...(busyRatio !== undefined && busyRatio > BUSY_RATIO
      ? [
          `the machine was ${percent(busyRatio)} busy in the ${name} run: latencies tell more of it than of the mesh; lower the load, or leave the machine alone`,
        ]
      : []),
  ];
}

/** `sent 0.3 ms late (p99 2.1 ms, most 8.0 ms); machine 61 % busy` */
export function sayTrust({ lagP50Ms, lagP99Ms, lagMaxMs, busyRatio }: Trust): string {
  return `sent ${milliseconds(lagP50Ms)} late (p99 ${milliseconds(lagP99Ms)}, most ${milliseconds(lagMaxMs)}); machine ${percent(busyRatio)} busy`;
}
