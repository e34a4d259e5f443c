/** Runs what is not done yet, one mesh at a time, says how far it is, and hands over each scenario when its runs are complete. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FoundEnvoy } from '../../deploy/local/envoy/find.ts';
import { busyRatio, readCpu } from '../../deploy/local/mesh/cpu.ts';
import { fileNameOf, loadRun, saveRun } from './cache.ts';
import { type Job, secondsOf } from './jobs.ts';
import { type RunRecord, runOnce } from './measure/run.ts';

/** A run that is doubted is made anew so often before its scenario is refused. */
const ATTEMPTS = 3;
/** A machine without our mesh is quiet below this. */
const QUIET_RATIO = 0.15;
const LOOK_FOR_MS = 2_000;
const WAIT_AT_MOST_MS = 60_000;

export interface RunAllOptions {
  readonly jobs: readonly Job[];
  readonly envoy: FoundEnvoy;
  /** Digest of the programs. */
  readonly build: string;
  /** Folder of the runs that are done. */
  readonly results: string;
  readonly isFresh: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws Error when it is stopped */
export async function runAll(
  options: RunAllOptions,
  onScenario: (name: string, runs: readonly RunRecord[]) => void,
): Promise<void> {
  const { jobs, say } = options;
  let runs: RunRecord[] = [];
  for (const [i, job] of jobs.entries()) {
    const done = await doJob(options, job);
    runs.push(done.record);
    const leftS = secondsOf(jobs.slice(i + 1));
    say(
      `[${i + 1}/${jobs.length}] ${sayRun(done.record)}${done.isKept ? ' (kept)' : ''}; at most ${Math.ceil(leftS / 60)} min left`,
    );
    if (jobs[i + 1]?.read === job.read) continue;
    onScenario(job.read.scenario.name, runs);
    runs = [];
  }
}

async function doJob(options: RunAllOptions, job: Job): Promise<{ record: RunRecord; isKept: boolean }> {
  const { envoy, build, results, isFresh, signal, say } = options;
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

/** Nothing of ours runs yet: whatever the processors do now is somebody else's. */
async function waitForQuiet(signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const deadlineMs = performance.now() + WAIT_AT_MOST_MS;
  for (let isFirst = true; performance.now() < deadlineMs; isFirst = false) {
    const from = readCpu();
    await sleep(isFirst ? LOOK_FOR_MS / 4 : LOOK_FOR_MS, undefined, { signal });
    const busy = busyRatio(from, readCpu()) ?? 0;
    if (busy < QUIET_RATIO) return;
    if (isFirst) say(`  waits: the machine is ${Math.round(busy * 100)} % busy with other things`);
  }
}

function sayRun({ scenario, setUp, seed, figures, trust }: RunRecord): string {
  const { goodputRps, p99Ms, errorRatio } = figures;
  const p99 = p99Ms === null ? 'failed' : `${Math.round(p99Ms)} ms`;
  const busy = trust.busyRatio === undefined ? '?' : Math.round(trust.busyRatio * 100);
  const others = trust.foreignRatio === null ? '?' : Math.round(trust.foreignRatio * 100);
  return `${scenario} ${setUp} seed ${seed}: ${goodputRps.toFixed(1)} good/s, p99 ${p99}, ${(errorRatio * 100).toFixed(1)} % failed; machine ${busy} % busy, others ${others} %`;
}
