/**
 * Runs every suite, each as its own process, and counts. uvu exits 0 when a suite forgot `test.run()` or a file matched
 * nothing, so the count is taken from what each suite printed, and a suite that printed none has failed.
 *
 *   node dist/test/run.js                 all but those that need a Kubernetes API server
 *   node dist/test/run.js agent filter    of these, suites whose path contains one of the words
 *   node dist/test/run.js --fast          all but those that start real Envoys
 *   node dist/test/run.js --istio         those alone that need a Kubernetes API server, whose programs are built first
 *   node dist/test/run.js --all           every suite
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SUITE_LIMIT_MS = 300_000;
const OPTIONS = ['--fast', '--istio', '--all'];
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

interface Result {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
  readonly output: string;
}

async function main(args: readonly string[]): Promise<number> {
  const words = args.filter((arg) => !arg.startsWith('--'));
  const unknown = args.filter((arg) => arg.startsWith('--') && !OPTIONS.includes(arg));
  if (unknown.length > 0) return complain(`${unknown[0]} is not known; options are ${OPTIONS.join(', ')}`);
  const isFast = args.includes('--fast');
  const suites = findSuites()
    .filter((suite) => args.includes('--all') || needsApiServer(suite) === args.includes('--istio'))
    .filter((suite) => words.length === 0 || words.some((word) => suite.includes(word)))
    .filter((suite) => !(isFast && isReal(suite)));
  if (suites.length === 0) return complain(`no suite matches ${words.join(' ') || 'test/**/*.test.ts'}`);

  const withApiServer = suites.filter(needsApiServer);
  const withEnvoy = suites.filter(needsEnvoy);
  const rest = suites.filter((suite) => !isReal(suite));
  // Real Envoys share two cores with what they measure, so those suites run one at a time, after the rest. Those with an API server
  // measure nothing and wait much, so two of them share the machine.
  const results = [
    ...(await runAll(rest, Math.max(2, availableParallelism()))),
    ...(await runAll(withEnvoy, 1)),
    ...((await arePrograms(withApiServer)) ? await runAll(withApiServer, 2) : withApiServer.map(withoutPrograms)),
  ];
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const skipped = results.reduce((sum, result) => sum + result.skipped, 0);
  process.stdout.write(
    `\n${results.length} suites of ${suites.length} ran${skipped ? `, ${skipped} tests skipped` : ''}\n`,
  );
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 && results.length === suites.length ? 0 : 1;
}

function findSuites(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => join('test', path))
    .sort();
}

function isReal(suite: string): boolean {
  return needsEnvoy(suite) || needsApiServer(suite);
}

function needsEnvoy(suite: string): boolean {
  return suite.startsWith(join('test', 'envoy'));
}

function needsApiServer(suite: string): boolean {
  return suite.startsWith(join('test', 'istio'));
}

/** Builds what the suites need, before the first of them: a suite has minutes, a build may take ten. @returns whether it is there */
async function arePrograms(suites: readonly string[]): Promise<boolean> {
  if (suites.length === 0) return true;
  try {
    const { findPrograms } = await import('./istio/programs.ts');
    await findPrograms((line) => process.stdout.write(`${line}\n`));
    return true;
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
    return false;
  }
}

function withoutPrograms(suite: string): Result {
  const result = notRun(suite, 'not run: its programs are not there');
  report(result);
  return result;
}

function notRun(suite: string, output: string): Result {
  return { suite, passed: 0, failed: 1, skipped: 0, durationMs: 0, output };
}

async function runAll(suites: readonly string[], width: number): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...suites];
  const worker = async () => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
      const result = await runSuite(suite);
      results.push(result);
      report(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, suites.length) }, worker));
  return results;
}

async function runSuite(suite: string): Promise<Result> {
  const file = join(root, 'dist', suite.replace(/\.ts$/, '.js'));
  const startedMs = performance.now();
  if (!existsSync(file)) {
    return notRun(suite, `${file} was not built`);
  }
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_LIMIT_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const total = count(output, 'Total');
  const passed = count(output, 'Passed') ?? 0;
  const skipped = count(output, 'Skipped') ?? 0;
  const durationMs = performance.now() - startedMs;
  if (total === undefined || total === 0) {
    return {
      suite,
      passed: 0,
      failed: 1,
      skipped,
      durationMs,
      output: `${output}\nthe suite ran no test (exit ${code})`,
    };
  }
  const failed = Math.max(total - passed - skipped, code === 0 ? 0 : 1);
  return { suite, passed, failed, skipped, durationMs, output };
}

/** What uvu printed as `Total: 3`, or nothing where it did not. */
function count(output: string, label: string): number | undefined {
  const matches = [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))];
  return matches.length === 0 ? undefined : matches.reduce((sum, match) => sum + Number(match[1]), 0);
}

function report(result: Result): void {
  const mark = result.failed === 0 ? 'ok  ' : 'FAIL';
  const seconds = (result.durationMs / 1000).toFixed(1).padStart(6);
  const counts = `${String(result.passed).padStart(4)} passed${result.failed ? `, ${result.failed} failed` : ''}`;
  process.stdout.write(`${mark} ${seconds} s ${counts}  ${result.suite}\n`);
  if (result.failed > 0) process.stdout.write(`${result.output}\n`);
}

function complain(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
