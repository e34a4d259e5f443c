/** The npm packages that a program needs, for another machine than this one perhaps, at the versions of package-lock.json. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../local/root.ts';
import type { Arch } from './base.ts';
import { type Entry, entriesIn } from './entries.ts';
import { CannotBuild, oneLine } from './errors.ts';
import type { Fetching } from './fetch.ts';

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly overrides: object;
}

interface LockJson {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
}

export const packageJson = readJson<PackageJson>(join(packageRoot, 'package.json'));

const CPUS: Readonly<Record<Arch, string>> = { amd64: 'x64', arm64: 'arm64' };
/** Types, source maps and manuals are for those who write; licences stay. Some packages bring binaries for Alpine, or for the runtime Bare. */
const NOT_CARRIED =
  /(^|\/)\.|\.map$|\.[cm]?ts$|(?<!\/(licen[cs]e|notice|copying)[^/]*)\.(md|markdown)$|\.bare$|-musl\//i;

/** package.json of an image: what it is, and its packages. */
export function imagePackageJson(names: readonly string[]): string {
  const { name, version, license, dependencies, overrides } = packageJson;
  const kept = names.map((each) => {
    const range = dependencies[each];
    if (range === undefined) {
      throw new CannotBuild(`${each} is imported by what an image runs, and is not among dependencies in package.json`);
    }
    return [each, range] as const;
  });
  const shown = {
    name,
    version,
    license,
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(kept),
    overrides,
  };
  return `${JSON.stringify(shown, null, 2)}\n`;
}

/**
 * @param names as package.json has them @param to what `node_modules` is below in the image
 * @throws CannotBuild
 */
export async function packageEntries(
  names: readonly string[],
  arch: Arch,
  to: string,
  { folder, say }: Fetching,
): Promise<readonly Entry[]> {
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, 'packages-'));
  try {
    writeFileSync(join(scratch, 'package.json'), imagePackageJson(names));
    for (const each of ['package-lock.json', '.npmrc']) copyFileSync(join(packageRoot, each), join(scratch, each));
    say(`installing ${names.length} packages and what they need, for linux ${arch}`);
    const platform = ['--os=linux', `--cpu=${CPUS[arch]}`, '--libc=glibc'];
    const quiet = ['--loglevel=error', '--no-audit', '--no-fund', '--prefer-offline'];
    await promisify(execFile)('npm', ['install', '--omit=dev', '--ignore-scripts', ...platform, ...quiet], {
      cwd: scratch,
    });
    refuseOthers(join(scratch, 'node_modules', '.package-lock.json'));
    return entriesIn(join(scratch, 'node_modules'), `${to}/node_modules`, (path) => !NOT_CARRIED.test(path));
  } catch (error) {
    if (error instanceof CannotBuild) throw error;
    throw new CannotBuild(`npm could not install ${names.join(', ')}: ${oneLine(error)}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** npm itself has compared each archive with the lock that it followed; here that lock is compared with ours. */
function refuseOthers(installedLock: string): void {
  const ours = readJson<LockJson>(join(packageRoot, 'package-lock.json')).packages;
  for (const [path, { version, integrity }] of Object.entries(readJson<LockJson>(installedLock).packages)) {
    if (integrity !== undefined && ours[path]?.integrity === integrity) continue;
    throw new CannotBuild(`npm chose ${path} ${version}, which is not what package-lock.json pins; run npm install`);
  }
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
