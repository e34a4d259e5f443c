/**
 * Fetches what is pinned by its digest, and keeps it in the cache. Nothing is used before its digest was looked at, also when it comes
 * out of the cache.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EnvHttpProxyAgent, request } from 'undici';
import { CannotBuild, oneLine } from './errors.ts';

/** How its bytes are known: the algorithm as node:crypto names it, and the digest of that in base64. */
interface Pinned {
  readonly algorithm: 'sha256' | 'sha512';
  readonly digest: string;
}

/** A file whose bytes are known before it is fetched. */
export interface PinnedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface Fetching {
  /** Where fetched files are kept. */
  readonly folder: string;
  /** Told of what takes long. */
  readonly say: (line: string) => void;
}

/**
 * @param urls asked in turn: a file that was replaced is gone from the first
 * @param otherwise what to do when none of them has it
 * @returns path of the file on this machine
 * @throws CannotBuild with what was wrong at each
 */
export async function fetchFile(
  { name, sha256, sizeBytes }: PinnedFile,
  urls: readonly string[],
  otherwise: string,
  { folder, say }: Fetching,
): Promise<string> {
  const target = join(folder, name);
  const pinned: Pinned = { algorithm: 'sha256', digest: Buffer.from(sha256, 'hex').toString('base64') };
  if (isThere(target, pinned)) return target;
  say(`fetching ${name} (${(sizeBytes / 1024 / 1024).toFixed(2)} MiB)`);
  const complaints: string[] = [];
  for (const url of urls) {
    try {
      keep(target, await download(url, sizeBytes), pinned);
      return target;
    } catch (error) {
      complaints.push(`${url}: ${(error as Error).message}`);
    }
  }
  throw new CannotBuild(`${name} could not be had; ${otherwise} (${complaints.join('; ')})`);
}

/**
 * Fetched by npm, so that mirrors and proxies that it is set up with serve here too.
 * @param integrity as npm's lock files have it: sha512-...
 * @returns path of its archive on this machine
 * @throws CannotBuild
 */
export async function fetchNpmPackage(
  name: string,
  version: string,
  integrity: string,
  { folder, say }: Fetching,
): Promise<string> {
  const target = join(folder, `${name}-${version}.tgz`);
  const pinned: Pinned = { algorithm: 'sha512', digest: integrity.replace(/^sha512-/, '') };
  if (isThere(target, pinned)) return target;
  say(`fetching ${name}@${version} from npm`);
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, 'npm-'));
  try {
    await promisify(execFile)('npm', ['pack', '--loglevel=error', `${name}@${version}`], { cwd: scratch });
    const archive = readdirSync(scratch).find((each) => each.endsWith('.tgz'));
    if (archive === undefined) throw new Error('npm pack left no archive');
    keep(target, readFileSync(join(scratch, archive)), pinned);
    return target;
  } catch (error) {
    throw new CannotBuild(`${name}@${version} could not be had from npm: ${oneLine(error)}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function download(url: string, sizeBytes: number): Promise<Buffer> {
  const dispatcher = new EnvHttpProxyAgent();
  try {
    const { statusCode, body } = await request(url, { dispatcher });
    const bytes = Buffer.from(await body.arrayBuffer());
    if (statusCode !== 200) throw new Error(`it answers ${statusCode}`);
    if (bytes.length !== sizeBytes) throw new Error(`it has ${bytes.length} bytes, ${sizeBytes} are pinned`);
    return bytes;
  } finally {
    await dispatcher.close();
  }
}

function isThere(target: string, pinned: Pinned): boolean {
  return existsSync(target) && matches(readFileSync(target), pinned);
}

function keep(target: string, bytes: Buffer, pinned: Pinned): void {
  if (!matches(bytes, pinned)) throw new Error(`its ${pinned.algorithm} is not the one that is pinned`);
  mkdirSync(join(target, '..'), { recursive: true });
  writeFileSync(`${target}.part`, bytes);
  renameSync(`${target}.part`, target);
}

function matches(bytes: Buffer, { algorithm, digest }: Pinned): boolean {
  return createHash(algorithm).update(bytes).digest('base64') === digest;
}
