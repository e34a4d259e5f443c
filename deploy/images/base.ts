/**
 * What images of programs have below the programs: glibc and what else Node needs, from packages of Debian's, Node from npm, certificates,
 * and somebody to run as who is not root. No shell, no package manager. Everything of it is pinned in base.lock.json.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../local/root.ts';
import { type Entry, type FileEntry, file } from './entries.ts';
import { CannotBuild, oneLine } from './errors.ts';
import { type Fetching, fetchFile, fetchNpmPackage, type PinnedFile } from './fetch.ts';
import { readTar } from './tar.ts';

/** As OCI and Debian name them. */
export type Arch = 'amd64' | 'arm64';
export const ARCHES: readonly Arch[] = ['amd64', 'arm64'];

interface DebianPackage extends Omit<PinnedFile, 'name'> {
  /** debian or debian-security */
  readonly archive: string;
  /** Below the archive. */
  readonly path: string;
}

interface Lock {
  readonly node: {
    readonly version: string;
    readonly packages: Readonly<Record<Arch, { readonly name: string; readonly integrity: string }>>;
  };
  readonly debian: {
    readonly suite: string;
    /** When the packages were pinned, as snapshot.debian.org names an instant. */
    readonly snapshot: string;
    readonly packages: Readonly<Record<Arch, readonly DebianPackage[]>>;
  };
}

export const lock = JSON.parse(readFileSync(join(packageRoot, 'deploy', 'images', 'base.lock.json'), 'utf8')) as Lock;

/** Who images run as, as the chart has it. */
export const USER_ID = 65532;
export const NODE_PATH = 'usr/local/bin/node';
export const CERTIFICATES_PATH = 'etc/ssl/certs/ca-certificates.crt';

/** A point release takes replaced packages off the first; the second keeps everything. */
const MIRRORS = [
  (archive: string) => `https://deb.debian.org/${archive}`,
  (archive: string) => `https://snapshot.debian.org/archive/${archive}/${lock.debian.snapshot}`,
];
const IF_GONE = 'if Debian has replaced it, pin its successor in deploy/images/base.lock.json';
/** Character sets, tools, manuals and what debuggers want, that nothing here asks for; copyright files stay. */
const NOT_CARRIED =
  /^usr\/(s?bin|lib\/[^/]+\/(gconv|audit)|share\/(base-files|bug|doc-base|gcc|gdb|info|lintian|locale|man|doc\/[^/]+\/(?!copyright$).*))(\/|$)/;
const CERTIFICATE = /^usr\/share\/ca-certificates\//;
/** What is taken of Node's package, and where it goes. */
const NODE_FILES: Readonly<Record<string, string>> = {
  'package/bin/node': NODE_PATH,
  'package/LICENSE': 'usr/share/doc/node/copyright',
};
const MAX_PACKAGE_BYTES = 256 * 1024 * 1024;

/** @throws CannotBuild */
export async function baseEntries(arch: Arch, fetching: Fetching): Promise<readonly Entry[]> {
  const entries: Entry[] = [...accounts()];
  for (const each of lock.debian.packages[arch]) {
    const urls = MIRRORS.map((mirror) => `${mirror(each.archive)}/${each.path}`);
    const file = await fetchFile({ ...each, name: basename(each.path) }, urls, IF_GONE, fetching);
    entries.push(...(await debianEntries(file)));
  }
  entries.push(...(await nodeEntries(arch, fetching)));
  return withOneBundle(entries);
}

/** The program and its licence; npm's archive has headers for compilers too. */
async function nodeEntries(arch: Arch, fetching: Fetching): Promise<readonly Entry[]> {
  const { name, integrity } = lock.node.packages[arch];
  const archive = gunzipSync(readFileSync(await fetchNpmPackage(name, lock.node.version, integrity, fetching)));
  const found = await readTar(archive, (path) => path in NODE_FILES);
  return Object.entries(NODE_FILES).map(([from, path]) => {
    const entry = found.find((each) => each.path === from);
    if (entry?.kind === 'file') return { ...entry, path };
    throw new CannotBuild(`${name}@${lock.node.version} has no ${from}`);
  });
}

/** What a package brings, and its description where scanners of images look for it. */
async function debianEntries(path: string): Promise<readonly Entry[]> {
  const { encoding, maxBuffer } = { encoding: 'buffer', maxBuffer: MAX_PACKAGE_BYTES } as const;
  const run = (...args: string[]) => promisify(execFile)('dpkg-deb', args, { encoding, maxBuffer });
  try {
    const { stdout: archive } = await run('--fsys-tarfile', path);
    const { stdout: description } = await run('--field', path);
    const name = /^Package: (.+)$/m.exec(String(description))?.[1];
    return [
      ...(await readTar(archive, (each) => !NOT_CARRIED.test(each))),
      file(`var/lib/dpkg/status.d/${name}`, description),
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new CannotBuild(`${path} cannot be unpacked: ${oneLine(error)}`);
    throw new CannotBuild('dpkg-deb is not on PATH; install dpkg (Debian has it, elsewhere: dnf or brew install dpkg)');
  }
}

/** Certificates as the one file that Debian's own script would make of them. */
function withOneBundle(entries: readonly Entry[]): readonly Entry[] {
  const certificates = entries
    .filter((entry): entry is FileEntry => entry.kind === 'file' && CERTIFICATE.test(entry.path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const bundle = Buffer.concat(certificates.map(({ bytes }) => bytes));
  return [...entries.filter(({ path }) => !CERTIFICATE.test(path)), file(CERTIFICATES_PATH, bundle)];
}

function accounts(): readonly Entry[] {
  const people = [
    ['root', 0, '/root'],
    ['nonroot', USER_ID, '/'],
  ] as const;
  return [
    file(
      'etc/passwd',
      people.map(([name, id, home]) => `${name}:x:${id}:${id}:${name}:${home}:/sbin/nologin\n`).join(''),
    ),
    file('etc/group', people.map(([name, id]) => `${name}:x:${id}:\n`).join('')),
    file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ];
}
