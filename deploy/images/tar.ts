/** Tar archives to entries and back. What is written depends on the entries and the time given alone. */
import { buffer } from 'node:stream/consumers';
import { extract, type Header, pack } from 'tar-stream';
import { type Entry, file, MODES } from './entries.ts';
import { CannotBuild } from './errors.ts';

/** @param isWanted looked at with each path; what is not wanted is passed by @throws CannotBuild */
export async function readTar(archive: Buffer, isWanted: (path: string) => boolean): Promise<readonly Entry[]> {
  const reading = extract();
  reading.end(archive);
  const entries: Entry[] = [];
  for await (const part of reading) {
    const path = part.header.name.replace(/^\.?\//, '').replace(/\/$/, '');
    if (path !== '' && isWanted(path)) entries.push(entryOf(part.header, path, await buffer(part)));
    else part.resume();
  }
  return entries;
}

/** @param entries in order @param epochS time of everything in it, in s since 1970 */
export async function writeTar(entries: readonly Entry[], epochS: number): Promise<Buffer> {
  const writing = pack();
  const archive = buffer(writing);
  for (const entry of entries) {
    const shared = { name: entry.path, mtime: new Date(epochS * 1000), uid: 0, gid: 0 };
    if (entry.kind === 'folder') writing.entry({ ...shared, type: 'directory', mode: MODES.folder });
    else if (entry.kind === 'link')
      writing.entry({ ...shared, type: 'symlink', mode: MODES.link, linkname: entry.target });
    else {
      const mode = entry.isExecutable ? MODES.program : MODES.file;
      writing.entry({ ...shared, type: 'file', mode, size: entry.bytes.length }, entry.bytes);
    }
  }
  writing.finalize();
  return archive;
}

function entryOf({ type, mode = 0, linkname }: Header, path: string, bytes: Buffer): Entry {
  if (type === 'directory') return { kind: 'folder', path };
  if (type === 'symlink') return { kind: 'link', path, target: linkname ?? '' };
  if (type === 'file') return file(path, bytes, (mode & 0o100) !== 0);
  throw new CannotBuild(`${path} is a ${type} in its archive; only files, folders and symbolic links are known here`);
}
