/**
 * Finds Go, which builds the programs of this room: the one on PATH when it is new enough, otherwise one in the cache, and when it is nowhere,
 * fetches Go's own archive from where `go` itself fetches a newer one (https://go.dev/doc/toolchain).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchFile } from '../../deploy/images/fetch.ts';
import { cacheFolder } from '../../deploy/local/envoy/find.ts';

/** As programs/go.mod asks for. */
const WANTED = { major: 1, minor: 26 };
const VERSION = '1.26.8';
/** By what Node calls the processor. */
const ARCHIVES: Readonly<
  Record<string, { readonly arch: string; readonly sizeBytes: number; readonly sha256: string }>
> = {
  x64: {
    arch: 'amd64',
    sizeBytes: 71680185,
    sha256: '30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7',
  },
  arm64: {
    arch: 'arm64',
    sizeBytes: 68581891,
    sha256: '02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99',
  },
};
const OTHERWISE = 'install Go 1.26 or newer (https://go.dev/dl) and put it on PATH';
/** What an archive of modules has no way of saying of its files. */
const PROGRAMS = ['bin', join('pkg', 'tool')];

/**
 * The command.
 * @param cwd of the module that is to be built
 * @param say told what is being done when it takes long
 * @throws Error with what to do
 */
export async function findGo(cwd: string, say: (line: string) => void): Promise<string> {
  if (isNewEnough('go', cwd)) return 'go';
  const folder = join(cacheFolder(process.env), `go-${VERSION}`);
  const command = join(folder, 'bin', 'go');
  if (existsSync(command)) return command;
  const archive = ARCHIVES[process.arch];
  if (process.platform !== 'linux' || archive === undefined) throw new Error(`there is no Go 1.26 here; ${OTHERWISE}`);
  const release = `v0.0.1-go${VERSION}.linux-${archive.arch}`;
  mkdirSync(cacheFolder(process.env), { recursive: true });
  const scratch = mkdtempSync(join(cacheFolder(process.env), 'fetch-go-'));
  try {
    const url = `https://proxy.golang.org/golang.org/toolchain/@v/${release}.zip`;
    const file = { ...archive, name: `go-${VERSION}.zip` };
    const zip = await fetchFile(file, [url], OTHERWISE, { folder: scratch, say });
    execFileSync('python3', ['-m', 'zipfile', '-e', zip, scratch]);
    const unpacked = join(scratch, 'golang.org', `toolchain@${release}`);
    for (const part of PROGRAMS) {
      const names = readdirSync(join(unpacked, part), { recursive: true, encoding: 'utf8' });
      for (const name of names) chmodSync(join(unpacked, part, name), 0o755);
    }
    renameSync(unpacked, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return command;
}

/** Asked in the folder of the module: a Go of 1.21 or newer fetches the one that it asks for. */
function isNewEnough(command: string, cwd: string): boolean {
  const { status, stdout } = spawnSync(command, ['env', 'GOVERSION'], { cwd, encoding: 'utf8' });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return (
    status === 0 && (Number(major) > WANTED.major || (Number(major) === WANTED.major && Number(minor) >= WANTED.minor))
  );
}
