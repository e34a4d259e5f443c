/** Runs what is not done yet, some meshes at a time, says how far it is, and hands over each scenario when its runs are complete. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FoundEnvoy } from '../../deploy/local/envoy/find.ts';
import { type BuildDigests, fileNameOf, loadRun, saveRun } from './cache.ts';
import { type Job, secondsOf } from './jobs.ts';
import { foreignRatio, readMachine } from './measure/machine.ts';
import { type RunRecord, runOnce } from './measure/run.ts';

/** A run that is doubted is made anew so often before its scenario is refused. */
const ATTEMPTS = 3;
/** A machine is quiet when others take less than this. */
const QUIET_RATIO = 0.15;
const LOOK_FOR_MS = 2_000;
const WAIT_AT_MOST_MS = 60_000;

export interface RunAllOptions {
  readonly jobs: readonly Job[];
  readonly envoy: FoundEnvoy;
  readonly build: BuildDigests;
  /** Folder of the runs that are done. */
  readonly results: string;
  readonly isFresh: boolean;
  /** Meshes at a time. */
  readonly lanes: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws Error when it is stopped */
export async function runAll(
  options: RunAllOptions,
  onScenario: (read: Job['read'], runs: readonly RunRecord[]) => void,
): Promise<void> {
  const { jobs, lanes, say } = options;
  const runs: (RunRecord | undefined)[] = jobs.map(() => undefined);
  let begun = 0;
  let done = 0;
  const handOver = (read: Job['read']) => {
    const ofScenario = jobs.flatMap((job, i) => (job.read === read ? [runs[i]] : []));
    const complete = ofScenario.flatMap((run) => run ?? []);
    if (complete.length === ofScenario.length) onScenario(read, complete);
  };
  const lane = async () => {
    for (let i = begun++; i < jobs.length; i = begun++) {
      const job = jobs[i];
      if (!job) return;
      const { record, isKept } = await doJob(options, job);
      runs[i] = record;
      done += 1;
      const left = Math.ceil(secondsOf(jobs.filter((_, j) => runs[j] === undefined)) / lanes / 60);
      say(`[${done}/${jobs.length}] ${sayRun(record)}${isKept ? ' (kept)' : ''}; at most ${left} min left`);
      handOver(job.read);
    }
  };
  const ends = await Promise.allSettled(
    Array.from({ length: lanes }, () =>
      lane().catch((error: unknown) => {
        // The other lanes end the run that they are at.
        begun = jobs.length;
        throw error;
      }),
    ),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function doJob(options: RunAllOptions, job: Job): Promise<{ record: RunRecord; isKept: boolean }> {
  const { envoy, results, isFresh, signal, say } = options;
  const build = job.setUp.isSteered ? options.build.steered : options.build.unsteered;
  const { scenario, rates } = job.read;
  const key = { scenario, rates, setUp: job.setUp, seed: job.seed, build, envoyVersion: envoy.version };
  const file = fileNameOf(scenario.name, job.setUp.name, key);
  const kept = isFresh ? undefined : loadRun(results, file);
  if (kept) return { record: kept, isKept: true };
  for (let attempt = 1; ; attempt += 1) {
    await waitForQuiet(signal, say);
    const directory = join(results, 'now', file.replace(/\.json$/, ''));
    const record = await runOnce({ ...job, envoy: envoy.path, directory, signal });
    // A doubtful one is kept as evidence only: nothing reads it.
    saveRun(results, record.doubts.length === 0 ? file : file.replace(/json$/, 'doubtful.json'), record);
    if (record.doubts.length === 0 || attempt === ATTEMPTS) return { record, isKept: false };
    say(`  made anew, ${record.doubts.join('; ')}`);
  }
}

async function waitForQuiet(signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const deadlineMs = performance.now() + WAIT_AT_MOST_MS;
  for (let isFirst = true; performance.now() < deadlineMs; isFirst = false) {
    const from = readMachine();
    await sleep(isFirst ? LOOK_FOR_MS / 4 : LOOK_FOR_MS, undefined, { signal });
    const foreign = foreignRatio(from, readMachine()) ?? 0;
    if (foreign < QUIET_RATIO) return;
    if (isFirst) say(`  waits: the machine is ${Math.round(foreign * 100)} % busy with other things`);
  }
}

function sayRun({ scenario, setUp, seed, figures, trust }: RunRecord): string {
  const { goodputRps, p99Ms, errorRatio } = figures;
  const p99 = p99Ms === null ? 'failed' : `${Math.round(p99Ms)} ms`;
  const busy = trust.busyRatio === undefined ? '?' : Math.round(trust.busyRatio * 100);
  const others = trust.foreignRatio === null ? '?' : Math.round(trust.foreignRatio * 100);
  return `${scenario} ${setUp} seed ${seed}: ${goodputRps.toFixed(1)} good/s, p99 ${p99}, ${(errorRatio * 100).toFixed(1)} % failed; machine ${busy} % busy, others ${others} %`;
}
