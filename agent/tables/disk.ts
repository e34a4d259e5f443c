/**
 * Small files that survive a crash: written beside, synced, renamed over, and read back only when whole.
 *
 * A file is one line `weir <kind> <sha-256 of the rest>` and then the payload. What the checksum does not vouch for is treated
 * as not there: the agent then starts as on its first day, which is safe, while a half-written table would not be.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BadState } from '../errors.ts';

const LONGEST_LINE_BYTES = 200;

/** Writes a file whole or not at all. Durable when the promise is kept. */
export async function writeState(path: string, kind: string, payload: Uint8Array): Promise<void> {
  const beside = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await create(beside);
    try {
      await file.writeFile(Buffer.concat([Buffer.from(`weir ${kind} ${checksum(payload)}\n`), payload]));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/**
 * The payload of a file; undefined when there is no file.
 * @throws BadState when it is not what was written
 */
export async function readState(path: string, kind: string): Promise<Buffer | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BadState(`${path} cannot be read: ${String(error)}`, { cause: error });
  }
  const lineEnd = bytes.subarray(0, LONGEST_LINE_BYTES).indexOf(10);
  const line = bytes.toString('latin1', 0, Math.max(lineEnd, 0));
  const payload = bytes.subarray(lineEnd + 1);
  if (line !== `weir ${kind} ${checksum(payload)}`) {
    throw new BadState(`${path} is not a whole '${kind}' file: its first line does not vouch for the rest`);
  }
  return payload;
}

/** A new file, in a folder that is made when it is missing, which is seldom. */
async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    return open(path, 'w', 0o600);
  }
}

/** A rename is durable once the folder is. Some file systems refuse to sync a folder; there it is as good as it gets. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EPERM') throw error;
  } finally {
    await folder.close();
  }
}

function checksum(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}
