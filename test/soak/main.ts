/**
 * `npm run soak`: the demo mesh for half an hour with a fault in each minute. Memory of Envoys, agents and controller must be flat
 * after warm-up, every weight must come back after each healing, and no process may be left. The composition root.
 * Exit code 0: all of that held; 1: something did not, in sentences, or the mesh could not run; 130: stopped.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSuccess } from '../../deploy/local/apps/caller.ts';
import { findEnvoy } from '../../deploy/local/envoy/find.ts';
import type { Intervention, Mesh } from '../../deploy/local/mesh/mesh.ts';
import { packageRoot } from '../../deploy/local/root.ts';
import { type RunResult, runScenario } from '../../deploy/local/run.ts';
import { readScenario } from '../../deploy/local/scenario/read.ts';
import { faultsOf } from '../../deploy/local/show/faults.ts';
import { sayTrust } from '../../deploy/local/show/trust.ts';
import { EXIT_INTERRUPTED, runCommand, say, stoppedBySignal } from '../support/command-line.ts';
import { parseArguments, USAGE } from './arguments.ts';
import { growthProblems, MemoryLog, warmS } from './memory.ts';
import { type PlannedFault, planFaults, soakScenario } from './plan.ts';
import { markChildren, markedProcesses } from './processes.ts';
import { type Recovery, recoveryOf, recoveryProblems } from './recovery.ts';
import { faultTable, memoryTable, minuteLine } from './report.ts';

const SAMPLE_EVERY_MS = 5000;
const MINUTE_S = 60;
/** The end of a minute is looked at so long before the next begins. */
const BEFORE_S = 0.5;

/** Backends in relief by minute: caller groups that hold the one that broke. */
type Relieved = Map<number, readonly string[] | undefined>;

async function main(args: readonly string[]): Promise<number> {
  const asked = parseArguments(args);
  if (asked.isHelp) {
    say(USAGE);
    return 0;
  }
  const { signal } = stoppedBySignal();
  const read = readScenario(join(packageRoot, 'deploy', 'local', 'scenarios', 'demo.yaml'), packageRoot);
  const faults = planFaults(read.scenario, asked.minutes);
  const scenario = { ...soakScenario(read.scenario, faults), seed: asked.seed ?? read.scenario.seed };
  const { path: envoy } = await findEnvoy({
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    say,
    signal,
  });
  const directory = mkdtempSync(join(tmpdir(), 'weir-soak-'));
  const mark = `${process.pid}-${Date.now()}`;
  markChildren(mark);
  say(`the demo mesh for ${asked.minutes} minutes with a fault in each; logs are in ${directory}; Ctrl-C stops it`);
  const memory = new MemoryLog();
  const relieved: Relieved = new Map();
  let result: RunResult;
  const sampling = { timer: undefined as NodeJS.Timeout | undefined };
  try {
    result = await runScenario({
      scenario,
      rates: read.rates,
      seed: scenario.seed,
      envoy,
      directory,
      isSteered: true,
      signal,
      interventions: [
        { atS: 0, act: async (mesh) => startSampling(mesh, memory, sampling) },
        ...faults.map((fault, minute) => endOfMinute(fault, minute, faults.length, memory, relieved)),
      ],
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    rmSync(directory, { recursive: true, force: true });
    say('stopped');
    return EXIT_INTERRUPTED;
  } finally {
    clearInterval(sampling.timer);
  }
  const left = markedProcesses(mark);
  const growths = memory.growths(scenario.durationS);
  const recoveries = recoveriesOf(result, faults, relieved, faultsOf(scenario));
  const problems = [
    ...growthProblems(growths),
    ...recoveryProblems(recoveries),
    ...result.lost.map((name) => `${name} ended by itself`),
    ...left.map((process) => `a process of the mesh is left: ${process}`),
  ];
  say(`\n${faultTable(recoveries)}\n\nafter ${Math.round(warmS(scenario.durationS))} s of warm-up`);
  say(`${memoryTable(growths)}\n${sayTrust(result.summary.trust)}; ${left.length} processes left`);
  if (asked.json !== undefined) {
    const all = { minutes: asked.minutes, seed: scenario.seed, problems, recoveries, growths, left };
    writeFileSync(asked.json, `${JSON.stringify({ ...all, samples: memory.samples() }, null, 1)}\n`);
    say(`all figures: ${asked.json}`);
  }
  if (problems.length > 0) {
    process.stderr.write(`\n${problems.join('\n')}\nlogs are in ${directory}\n`);
    return 1;
  }
  rmSync(directory, { recursive: true, force: true });
  say('memory was flat, every weight came back, and no process is left');
  return 0;
}

function startSampling(mesh: Mesh, memory: MemoryLog, sampling: { timer: NodeJS.Timeout | undefined }): void {
  const take = () => memory.take(mesh.nowMs() / 1000, mesh.processes());
  take();
  sampling.timer = setInterval(take, SAMPLE_EVERY_MS);
}

function endOfMinute(
  fault: PlannedFault,
  minute: number,
  of: number,
  memory: MemoryLog,
  relieved: Relieved,
): Intervention {
  const atS = (minute + 1) * MINUTE_S - BEFORE_S;
  return {
    atS,
    act: async (mesh) => {
      relieved.set(minute, await groupsThatRelieve(mesh, fault.backend));
      const requests = mesh.requests.filter(({ atMs }) => atMs >= minute * MINUTE_S * 1000);
      const failed = requests.filter(({ status }) => !isSuccess(status)).length;
      say(minuteLine(minute + 1, of, fault, { count: requests.length, failed }, memory));
    },
  };
}

/** Caller groups in which the controller holds the backend in relief; undefined: it did not say. */
async function groupsThatRelieve(mesh: Mesh, broken: string): Promise<readonly string[] | undefined> {
  const [name = '', backend = ''] = broken.split('/');
  try {
    const answer = await fetch(`${mesh.weir?.apiUrl}/v1/services`);
    const { services } = (await answer.json()) as {
      services: readonly { service: string; group: string; relieved: readonly string[] }[];
    };
    const own = services.filter(({ service }) => service.startsWith(`${name}:`));
    return own.filter(({ relieved }) => relieved.includes(backend)).map(({ group }) => group);
  } catch {
    return undefined;
  }
}

function recoveriesOf(
  course: RunResult,
  planned: readonly PlannedFault[],
  relieved: Relieved,
  faults: ReturnType<typeof faultsOf>,
): Recovery[] {
  return planned.flatMap((each, minute) => {
    const fault = faults[minute];
    if (!fault) return [];
    const endMs = faults[minute + 1]?.brokenMs ?? fault.endMs;
    return [recoveryOf(course, each, fault, endMs, relieved.get(minute))];
  });
}

runCommand(main);
