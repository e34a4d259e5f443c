/**
 * `npm run bench:trials`: A/A trials in real Envoys on a noisy service. Both arms draw by the same weights, so each `better` or `worse` is
 * false. Exit code 0: enough trials ended and none found a difference; 1: not so, or the mesh could not run; 130: stopped.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findEnvoy } from '../../../deploy/local/envoy/find.ts';
import type { Intervention, Mesh } from '../../../deploy/local/mesh/mesh.ts';
import { buildRoot } from '../../../deploy/local/root.ts';
import { runScenario } from '../../../deploy/local/run.ts';
import type { Decision } from '../../../deploy/local/show/decisions.ts';
import { sayTrust } from '../../../deploy/local/show/trust.ts';
import { findingOf, type TrialResult } from '../../fuzz/trials/fuzz-trials.ts';
import { EXIT_INTERRUPTED, integer, runCommand, say, stoppedBySignal } from '../../support/command-line.ts';
import { noisyScenario, RPS } from './noisy.ts';

const USAGE = `npm run bench:trials -- [--trials N] [--seed N]

  --trials N   A/A trials that must have ended; 1 to 100, 10
  --seed N     of arrivals, service times, errors and shocks; 2026`;

/** Trials side by side: five take half of a machine of two cores. */
const ZONES = 5;
/** By then every group is in a trial. */
const LOOK_AT_S = 60;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      trials: { type: 'string', default: '10' },
      seed: { type: 'string', default: '2026' },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const wanted = integer('--trials', values.trials, 1, 100);
  const seed = integer('--seed', values.seed, 0, 0xffffffff);
  const zones = Math.min(ZONES, wanted);
  const scenario = noisyScenario(zones, Math.ceil(wanted / zones), seed);
  const { signal } = stoppedBySignal();
  const env = { env: process.env, platform: process.platform, arch: process.arch };
  const { path: envoy } = await findEnvoy({ ...env, say, signal });
  const directory = mkdtempSync(join(tmpdir(), 'weir-trials-'));
  const seconds = scenario.durationS + scenario.warmupS;
  say(
    `${wanted} A/A trials, ${zones} side by side at ${RPS} requests/s each, in ${(seconds / 60).toFixed(1)} minutes; logs are in ${directory}`,
  );
  const problems: string[] = [];
  try {
    const { decisions, summary, lost } = await runScenario({
      scenario,
      rates: scenario.load.map(() => []),
      seed,
      envoy,
      directory,
      isSteered: true,
      signal,
      controllerFile: join(buildRoot, 'test', 'bench', 'trials', 'aa-controller.js'),
      interventions: [armsAreAlike(problems)],
    });
    const findings = decisions.flatMap((decision) => {
      if (decision.kind !== 'verdict') return [];
      const finding = findingOf(decision.why);
      say(`${decision.group}: ${finding}; ${ranFor(decision, decisions)}${decision.why}`);
      return [finding];
    });
    const count = (finding: TrialResult['finding']) => findings.filter((each) => each === finding).length;
    const [better, worse] = [count('better'), count('worse')];
    say(
      `${findings.length} ended: ${count('open')} open, ${better} better, ${worse} worse, ${count('guard')} for another reason`,
    );
    say(sayTrust(summary.trust));
    if (better + worse > 0)
      problems.push(`${better + worse} of ${findings.length} A/A trials found a difference that is none`);
    if (findings.length < wanted) problems.push(`only ${findings.length} of ${wanted} trials ended`);
    problems.push(...lost.map((name) => `${name} ended by itself`));
  } catch (error) {
    if (!signal.aborted) throw error;
    rmSync(directory, { recursive: true, force: true });
    say('stopped');
    return EXIT_INTERRUPTED;
  }
  if (problems.length > 0) {
    process.stderr.write(`${problems.join('\n')}\nlogs are in ${directory}\n`);
    return 1;
  }
  rmSync(directory, { recursive: true, force: true });
  say('no trial found a difference');
  return 0;
}

/** Looks at the tables that agents have: trials run, and their arms do not differ. */
function armsAreAlike(problems: string[]): Intervention {
  return {
    atS: LOOK_AT_S,
    act: async (mesh: Mesh) => {
      const answer = await fetch(`${mesh.weir?.apiUrl}/v1/tables`);
      const { services } = (await answer.json()) as {
        services: { group: string; trialShare: number; backends: { weight: number; trialWeight: number }[] }[];
      };
      const onTrial = services.filter(({ trialShare }) => trialShare > 0);
      if (onTrial.length === 0) problems.push(`no trial ran at second ${LOOK_AT_S}`);
      for (const { group, backends } of onTrial) {
        if (backends.some(({ weight, trialWeight }) => weight !== trialWeight))
          problems.push(`the arms of ${group} had different weights, so its trial was no A/A`);
      }
    },
  };
}

/** `in 121 s: `, from the first stage of the trial; nothing where that was not heard of. */
function ranFor(verdict: Decision, decisions: readonly Decision[]): string {
  const start = decisions.findLast(
    ({ kind, group, id, trial }) =>
      kind === 'trial' && group === verdict.group && id < verdict.id && trial?.stage === 1,
  );
  return start ? `in ${Math.round((verdict.atMs - start.atMs) / 1000)} s: ` : '';
}

runCommand(main);
