/** The runs of a comparison, in order, how long they take, and which scenarios may be reported. Pure. */
import type { ReadScenario } from '../../deploy/local/scenario/read.ts';
import { loadS, type RunRecord } from './measure/run.ts';
import type { SetUp } from './peers/set-ups.ts';

/** Starting and stopping one mesh, about. */
export const AROUND_S = 2;

export interface Job {
  readonly read: ReadScenario;
  readonly setUp: SetUp;
  readonly seed: number;
}

/**
 * All set-ups of a repeat one after the other, so that a machine that drifts does so under all of them alike.
 * @param setUpsOf a scenario
 */
export function jobsOf(
  reads: readonly ReadScenario[],
  setUpsOf: (read: ReadScenario) => readonly SetUp[],
  repeat: number,
  seed: number | undefined,
): Job[] {
  return reads.flatMap((read) =>
    Array.from({ length: repeat }, (_, i) =>
      setUpsOf(read)
        .filter(({ repeats = repeat }) => i < repeats)
        .map((setUp) => ({ read, setUp, seed: (seed ?? read.scenario.seed) + i })),
    ).flat(),
  );
}

export function secondsOf(jobs: readonly Job[]): number {
  return jobs.reduce((sum, { read, setUp }) => sum + loadS(read.scenario, setUp) + AROUND_S, 0);
}

/** Why figures of a scenario would not be honest; empty when they may be reported. One doubtful run spoils the comparison. */
export function refusalOf(runs: readonly RunRecord[]): string[] {
  return [...new Set(runs.flatMap(({ doubts }) => doubts))];
}
