/**
 * `weir demo`: a mesh on this machine, steered, then the same one unsteered, and what the difference was. Stops everything
 * at Ctrl-C. The composition root of this room.
 */
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { NoEnvoy } from './envoy/fetch.ts';
import { type FoundEnvoy, findEnvoy } from './envoy/find.ts';
import { folderFor, keepWanted } from './keep.ts';
import { countRequests, MAX_REQUESTS } from './load/rate.ts';
import { packageRoot } from './root.ts';
import { type RunResult, runScenario } from './run.ts';
import { BadScenario } from './scenario/parse.ts';
import { type ReadScenario, readScenario } from './scenario/read.ts';
import { routesOf } from './scenario/routes.ts';
import { scaleTo } from './scenario/scale.ts';
import { asJson, asTsv } from './show/files.ts';
import { describe } from './show/summary.ts';

export interface DemoOptions {
  /** Scenario file; without it, the demo. */
  readonly scenario?: string | undefined;
  /** Length of one run in s; without it, the scenario's. */
  readonly duration?: number | undefined;
  readonly seed?: number | undefined;
  /** File for the figures of both runs, as JSON. */
  readonly json?: string | undefined;
  /** Folder to keep every log, configuration and request in. */
  readonly keepLogs?: string | undefined;
  /** Only the run without Weir. */
  readonly unsteered?: boolean | undefined;
}

/** Something about this run, not about the mesh, is wrong: said in one sentence, without a stack. */
class CannotRun extends Error {
  override readonly name = 'CannotRun';
  readonly code = 'WEIR_CANNOT_RUN';
}

export const demoScenarioPath = join(packageRoot, 'deploy', 'local', 'scenarios', 'demo.yaml');

/** Signals that stop a demo, and the exit codes that shells give them. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** A reader of our output that went away: what a shell reports of SIGPIPE. */
const BROKEN_PIPE = 141;
/** Starting and stopping one mesh, about. */
const AROUND_S = 5;

/** Runs the demo and resolves to the exit code: 0, 1 when it could not run or a part of Weir died, 130 and the like after a signal. */
export async function demo(options: DemoOptions): Promise<number> {
  const stopping = new AbortController();
  let exitCode = 1;
  const stop = (code: number, word: string) => {
    if (stopping.signal.aborted) return;
    exitCode = code;
    say(word);
    stopping.abort();
  };
  const onSignal = (signal: NodeJS.Signals) =>
    stop(EXIT_CODES[signal as keyof typeof EXIT_CODES], `\n${signal}: stopping everything`);
  for (const signal of Object.keys(EXIT_CODES)) process.on(signal, onSignal);
  // A closed pipe (`weir demo | head`) must stop the mesh and not leave it behind; it stays closed for all that follows.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop(BROKEN_PIPE, ''));
  try {
    const code = await runAll(options, stopping.signal);
    return stopping.signal.aborted ? exitCode : code;
  } catch (error) {
    if (stopping.signal.aborted) return exitCode;
    const isTheirs = [BadScenario, NoEnvoy, CannotRun].some((kind) => error instanceof kind);
    process.stderr.write(`${isTheirs ? '' : 'the mesh could not run: '}${(error as Error).message}\n`);
    return 1;
  } finally {
    for (const signal of Object.keys(EXIT_CODES)) process.removeListener(signal, onSignal);
  }
}

async function runAll(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const read = readFor(options);
  const { scenario, rates } = read;
  if (!options.unsteered && routesOf(scenario).length === 0) {
    throw new CannotRun(
      `${scenario.name} has no service with route or steered: true and no routes, so there is nothing to steer; add one, or run it with --unsteered`,
    );
  }
  if (options.json !== undefined) checkWritable(resolve(options.json));
  const envoy = await findEnvoy({ env: process.env, platform: process.platform, arch: process.arch, say, signal });
  signal.throwIfAborted();
  const folder = folderFor(options.keepLogs);
  const kinds = options.unsteered ? (['unsteered'] as const) : (['steered', 'unsteered'] as const);
  announce(read, kinds, envoy, folder.path);
  const results: RunResult[] = [];
  try {
    for (const kind of kinds) {
      const directory = join(folder.path, kind);
      say(
        `\n${kind === 'steered' ? 'Steered by Weir' : kinds.length > 1 ? 'The same requests without Weir' : 'Without Weir'}`,
      );
      const isSteered = kind === 'steered';
      const run = { scenario, rates, seed: scenario.seed, envoy: envoy.path, directory, isSteered, signal };
      const result = await runScenario({ ...run, output: process.stdout });
      writeFileSync(join(directory, 'requests.tsv'), asTsv(result.requests));
      results.push(result);
    }
  } catch (error) {
    // Whoever stopped it wants nothing of it; of what failed the logs are the evidence.
    if (signal.aborted) folder.discard();
    throw error;
  }
  const [first, second] = results;
  if (!first) return 1;
  say(`\n${describe(first.summary, second?.summary, scenario.targetMs, kinds[0])}\n`);
  if (options.json !== undefined) writeFileSync(options.json, asJson(scenario, kinds, results));
  keepWanted(folder, kinds[0] === 'steered', say);
  const lost = results.flatMap((result) => result.lost);
  if (lost.length > 0) process.stderr.write(`these ended by themselves: ${lost.join(', ')}\n`);
  return lost.length > 0 ? 1 : 0;
}

function readFor({ scenario: file, duration, seed }: DemoOptions): ReadScenario {
  const { scenario, rates } = readScenario(resolve(file ?? demoScenarioPath), process.cwd());
  const durationS = duration ?? scenario.durationS;
  if (durationS < 1 || durationS > 86_400) throw new CannotRun(`--duration is ${durationS}; it must be 1 to 86400`);
  const scaled = { ...scaleTo(scenario, durationS), seed: seed ?? scenario.seed };
  const count = countRequests(scaled, rates);
  if (count === 0) throw new CannotRun('the load asks for no request in the whole run; give load a rate above 0');
  if (count > MAX_REQUESTS) {
    throw new CannotRun(
      `the load asks for ${Math.round(count)} requests in one run; more than ${MAX_REQUESTS} do not fit into memory: lower the load or the duration`,
    );
  }
  return { scenario: scaled, rates };
}

function checkWritable(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a folder');
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new CannotRun(`--json is ${path}, which cannot be written: ${(cause as Error).message}`);
  }
}

function announce({ scenario }: ReadScenario, kinds: readonly string[], envoy: FoundEnvoy, path: string): void {
  const { services, zones, nodes, seed, durationS, warmupS } = scenario;
  const endpoints = services.flatMap(({ backends }) => backends).reduce((sum, backend) => sum + backend.endpoints, 0);
  say(scenario.description === '' ? scenario.name : `${scenario.name}: ${scenario.description}`);
  say(
    `${services.length} services with ${endpoints} endpoints in ${zones.length} zones, ${nodes.length} nodes, seed ${seed}; Envoy ${envoy.version} from ${envoy.from}`,
  );
  const what = kinds.length === 2 ? 'steered, then the same requests unsteered' : (kinds[0] ?? '');
  const minutes = (kinds.length * (durationS + warmupS + AROUND_S)) / 60;
  say(`${kinds.length} × ${Math.round(durationS)} s (${what}), ${minutes.toFixed(1)} minutes in all; Ctrl-C stops it`);
  say(`logs are in ${path}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
