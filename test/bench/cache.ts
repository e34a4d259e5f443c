/**
 * Runs that are done, one JSON file each, so that a comparison that was stopped goes on. The name of a file is a digest of all
 * that the figures depend on: the scenario and its rates, the set-up, the seed, the build and the Envoy. What changed has another
 * name, and is run anew.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord } from './measure/run.ts';

export interface RunKey {
  /** As parsed, defaults filled in: comments and order of keys in the file do not matter. */
  readonly scenario: unknown;
  readonly rates: readonly (readonly number[])[];
  readonly setUp: unknown;
  readonly seed: number;
  /** Digest of the programs that run. */
  readonly build: string;
  readonly envoyVersion: string;
}

/** Readable in front, unique behind. */
export function fileNameOf(scenario: string, setUp: string, key: RunKey): string {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
  return `${scenario}.${setUp.replace(/[^a-z0-9-]/g, '-')}.${key.seed}.${digest}.json`;
}

/** The compiled rooms that a mesh without Weir executes. */
const meshRooms = ['deploy', join('test', 'bench', 'measure')];
const weirRooms = ['agent', 'controller', join('test', 'bench', 'peers')];

/** Digests of what a run executes: without Weir the mesh and its measuring, with it everything. */
export interface BuildDigests {
  readonly unsteered: string;
  readonly steered: string;
}

/** @param wasm path of the filter */
export function digestBuild(buildRoot: string, wasm: string): BuildDigests {
  const hash = createHash('sha256');
  for (const room of meshRooms) addRoom(hash, join(buildRoot, room));
  const unsteered = hash.copy().digest('hex');
  for (const room of weirRooms) addRoom(hash, join(buildRoot, room));
  return { unsteered, steered: hash.update(readFileSync(wasm)).digest('hex') };
}

function addRoom(hash: Hash, room: string): void {
  const files = readdirSync(room, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(room, file)));
}

/** Undefined when there is none, or what is there is no whole record. */
export function loadRun(folder: string, name: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunRecord;
  } catch {
    return undefined;
  }
}

/** Whole or not at all: a benchmark is stopped at any instant. */
export function saveRun(folder: string, name: string, record: RunRecord): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(record)}\n`);
  renameSync(`${path}.tmp`, path);
}
