/**
 * `npm run bench`: scenarios in real Envoys, Weir beside what operators set today, on the same requests. The composition root.
 * Exit code 0: reported; 1: something could not run; 3: some scenario is not reported because the machine was too busy.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findEnvoy } from '../../deploy/local/envoy/find.ts';
import { countRequests, MAX_REQUESTS } from '../../deploy/local/load/rate.ts';
import { wasmPath } from '../../deploy/local/mesh/weir.ts';
import { buildRoot, packageRoot } from '../../deploy/local/root.ts';
import { type ReadScenario, readScenario } from '../../deploy/local/scenario/read.ts';
import { routesOf } from '../../deploy/local/scenario/routes.ts';
import { EXIT_INTERRUPTED, runCommand, say, stoppedBySignal } from '../support/command-line.ts';
import { type Arguments, parseArguments, USAGE } from './arguments.ts';
import { digestBuild } from './cache.ts';
import { compareRuns, type ScenarioReport } from './compare.ts';
import { jobsOf, refusalOf, secondsOf } from './jobs.ts';
import { type Found, searchWeights } from './oracle/search.ts';
import { ORACLE, type SetUp, setUpNamed } from './peers/set-ups.ts';
import { plotOf } from './report/plot.ts';
import { tableOf, weightLines } from './report/table.ts';
import { runAll } from './run-all.ts';

const scenarioFolder = join(packageRoot, 'test', 'bench', 'scenarios');
const EXIT_BUSY = 3;

async function main(args: readonly string[]): Promise<number> {
  const asked = parseArguments(args);
  if (asked.isHelp) {
    say(USAGE);
    return 0;
  }
  const setUps = asked.policies.map(setUpNamed);
  const reads = scenarioPaths(asked).map((path) => checked(path, setUps));
  const { signal } = stoppedBySignal();
  const envoy = await findEnvoy({ env: process.env, platform: process.platform, arch: process.arch, say, signal });
  const found = await searchAll(reads, setUps, signal);
  const jobs = jobsOf(
    reads,
    (read) => setUps.map((setUp) => withFound(setUp, found.get(read))),
    asked.repeat,
    asked.seed,
  );
  say(
    `${reads.length} scenarios × ${setUps.length} set-ups × ${asked.repeat}${sayOnce(setUps, asked.repeat)}: ${jobs.length} runs, ${asked.lanes} at a time, ${Math.ceil(secondsOf(jobs) / asked.lanes / 60)} minutes if none is done yet; done ones are kept in ${asked.results}; Ctrl-C stops, the same command goes on`,
  );
  const reports: ScenarioReport[] = [];
  const refused: { name: string; why: readonly string[] }[] = [];
  try {
    const build = digestBuild(buildRoot, wasmPath);
    const results = resolve(asked.results);
    await runAll(
      { jobs, envoy, build, results, isFresh: asked.isFresh, lanes: asked.lanes, signal, say },
      (read, runs) => {
        const { name } = read.scenario;
        const why = refusalOf(runs);
        if (why.length > 0) {
          refused.push({ name, why });
          say(`\n${name}: not reported, the machine was too busy to trust:\n  ${why.join('\n  ')}\n`);
          return;
        }
        if (asked.plot !== undefined) {
          mkdirSync(asked.plot, { recursive: true });
          writeFileSync(join(asked.plot, `${name}.svg`), plotOf(read.scenario, runs));
        }
        const isPeer = (setUp: string) => setUps.some((each) => each.name === setUp && each.isPeer);
        const weighed = found.get(read);
        const report = compareRuns(name, runs, isPeer, weighed ? { [ORACLE]: weighed } : {});
        reports.push(report);
        say(
          `\n${name}${asked.repeat > 1 ? `, middle of ${asked.repeat} runs (least to most)` : ''}\n${tableOf(report)}\n${weightLines(report)}`,
        );
      },
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    say('stopped; what is done is kept');
    return EXIT_INTERRUPTED;
  }
  if (asked.json !== undefined) {
    writeFileSync(asked.json, `${JSON.stringify({ scenarios: reports, refused }, null, 2)}\n`);
    say(`all figures: ${asked.json}`);
  }
  if (asked.plot !== undefined && reports.length > 0) say(`charts: ${asked.plot}`);
  return refused.length > 0 ? EXIT_BUSY : 0;
}

/** Fixed weights of each scenario, where a set-up is asked for that has them. */
async function searchAll(
  reads: readonly ReadScenario[],
  setUps: readonly SetUp[],
  signal: AbortSignal,
): Promise<ReadonlyMap<ReadScenario, Found>> {
  const oracle = setUps.find(({ name }) => name === ORACLE);
  const found = new Map<ReadScenario, Found>();
  if (!oracle) return found;
  for (const read of reads) {
    // Between two scenarios a signal is heard.
    await nextTurn();
    if (signal.aborted) break;
    const startMs = performance.now();
    const best = searchWeights(read, oracle.settlesS);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    say(`${read.scenario.name}: the best of ${best.evaluationCount} fixed weights, by simulation in ${seconds} s`);
    found.set(read, best);
  }
  return found;
}

function withFound(setUp: SetUp, found: Found | undefined): SetUp {
  return setUp.name === ORACLE && found ? { ...setUp, weights: found.weights } : setUp;
}

function sayOnce(setUps: readonly SetUp[], repeat: number): string {
  const less = setUps.filter(({ repeats = repeat }) => repeats < repeat);
  return less.map(({ name, repeats }) => ` (${name} × ${repeats})`).join('');
}

function scenarioPaths({ isAll, scenarios }: Arguments): string[] {
  const own = readdirSync(scenarioFolder).filter((name) => name.endsWith('.yaml'));
  return [
    ...(isAll ? own.sort().map((name) => join(scenarioFolder, name)) : []),
    ...scenarios.map((path) => resolve(path)),
  ];
}

/** Read, and fit to be compared. @throws Error with one sentence, or BadScenario */
function checked(path: string, setUps: readonly SetUp[]): ReadScenario {
  const read = readScenario(path, process.cwd());
  const where = relative(process.cwd(), path);
  if (setUps.some(({ isPeer }) => !isPeer) && routesOf(read.scenario).length === 0) {
    throw new Error(`${where} has no service with route or steered: true, so there is nothing to compare`);
  }
  const count = countRequests(read.scenario, read.rates);
  if (count === 0 || count > MAX_REQUESTS) {
    throw new Error(`${where} asks for ${Math.round(count)} requests in a run; it must be 1 to ${MAX_REQUESTS}`);
  }
  return read;
}

runCommand(main);
