/**
 * What goes into a root file system, before it is written anywhere. Owners, times and all of a mode but who may execute are not kept: they
 * would make two builds differ, and no program in an image depends on them. Paths have no slash at either end.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CannotBuild } from './errors.ts';

export interface FileEntry {
  readonly kind: 'file';
  readonly path: string;
  readonly bytes: Buffer;
  readonly isExecutable: boolean;
}

export interface FolderEntry {
  readonly kind: 'folder';
  readonly path: string;
}

export interface LinkEntry {
  readonly kind: 'link';
  readonly path: string;
  readonly target: string;
}

export type Entry = FileEntry | FolderEntry | LinkEntry;

export const MODES = { program: 0o755, file: 0o644, folder: 0o755, link: 0o777 } as const;

/** @param content text, or bytes as they are */
export function file(path: string, content: string | Buffer, isExecutable = false): FileEntry {
  return { kind: 'file', path, bytes: Buffer.isBuffer(content) ? content : Buffer.from(content), isExecutable };
}

/**
 * In order of path, each folder before what is in it; folders that nobody named are there too.
 * @throws CannotBuild where two things that are no folders have one path, or one lies in what is no folder
 */
export function inOrder(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map<string, Entry>();
  for (const entry of entries) {
    const there = byPath.get(entry.path);
    if (there && (there.kind !== 'folder' || entry.kind !== 'folder')) {
      throw new CannotBuild(`two things are to be at /${entry.path}, a ${there.kind} and a ${entry.kind}`);
    }
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    for (let folder = above(path); folder !== ''; folder = above(folder)) {
      const there = byPath.get(folder) ?? { kind: 'folder', path: folder };
      if (there.kind !== 'folder') throw new CannotBuild(`/${path} is to be in /${folder}, which is a ${there.kind}`);
      byPath.set(folder, there);
    }
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * The files of a folder on this machine, links followed.
 * @param to what they are below in the root file system @param isWanted looked at with each path below the folder
 */
export function entriesIn(folder: string, to: string, isWanted: (path: string) => boolean): readonly Entry[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((path) => {
    if (!isWanted(path)) return [];
    const from = join(folder, path);
    const stat = statSync(from);
    return stat.isFile() ? [file(`${to}/${path}`, readFileSync(from), (stat.mode & 0o100) !== 0)] : [];
  });
}

function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
