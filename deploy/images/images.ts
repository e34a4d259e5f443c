/** The images: what each is called, runs and carries. The Dockerfile beside this file says the same, and a test compares them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildRoot, packageRoot } from '../local/root.ts';
import { type Arch, CERTIFICATES_PATH, NODE_PATH, USER_ID } from './base.ts';
import { type Entry, entriesIn, file } from './entries.ts';
import { CannotBuild } from './errors.ts';
import type { Fetching } from './fetch.ts';
import type { Run } from './layout.ts';
import { imagePackageJson, packageEntries, packageJson } from './packages.ts';
import { neededBy } from './trace.ts';

export interface Program {
  readonly name: 'weir-controller' | 'weir-agent';
  readonly title: string;
  /** Subcommand of `weir` that it runs where nothing else is asked for. */
  readonly command: string;
  readonly port: number;
  /** Whether what a module imports only when it comes to it is carried. */
  readonly isFollowed: (module: string) => boolean;
  /** Files and folders of the package that are carried beside code. */
  readonly files: readonly string[];
}

const FILTER_MODULE = 'filter/build/weir.wasm';
const COMMAND = 'controller/cli/weir.js';
/** Folders of what is read at run time; an image without them runs, and does less. */
const FOLDERS: readonly string[] = ['controller/dashboard', 'models/artifacts'];
/** Where programs lie. */
const HOME = 'opt/weir';

export const PROGRAMS = {
  controller: {
    name: 'weir-controller',
    title: 'Controller of Weir, and the weir command',
    command: 'controller',
    port: 15_900,
    // Nobody runs a mesh of Envoys inside a cluster's container.
    isFollowed: (module) => module !== 'controller/cli/commands/demo.js',
    files: [COMMAND, FILTER_MODULE, ...FOLDERS],
  },
  agent: {
    name: 'weir-agent',
    title: 'Agent of Weir, one on each node',
    command: 'agent',
    port: 15_990,
    isFollowed: (module) => module === 'controller/cli/commands/agent.js' || module.startsWith('agent/'),
    files: [COMMAND, 'models/artifacts'],
  },
} as const satisfies Readonly<Record<string, Program>>;

export const FILTER_IMAGE = 'weir-filter';
export const FILTER_TITLE = 'Filter of Weir, for Envoy';

export function annotationsOf(title: string): Readonly<Record<string, string>> {
  const { version, license } = packageJson;
  return {
    'org.opencontainers.image.title': title,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': license,
  };
}

/** How a container of it runs. */
export function runOf({ title, command, port }: Program): Run {
  return {
    User: `${USER_ID}:${USER_ID}`,
    ExposedPorts: { [`${port}/tcp`]: {} },
    // So that a bundle of one's own, mounted over the one of Debian's, counts.
    Env: ['PATH=/usr/local/bin', 'NODE_USE_SYSTEM_CA=1', `SSL_CERT_FILE=/${CERTIFICATES_PATH}`],
    Entrypoint: [`/${NODE_PATH}`, `/${HOME}/${COMMAND}`],
    Cmd: [command],
    WorkingDir: `/${HOME}`,
    Labels: annotationsOf(title),
  };
}

/** What Istio's fetcher looks for in an image of a module. @throws CannotBuild */
export function filterEntries(): readonly Entry[] {
  return [file('plugin.wasm', readCarried(FILTER_MODULE))];
}

/** The program and its packages, without what is below them. @throws CannotBuild */
export async function programEntries(program: Program, arch: Arch, fetching: Fetching): Promise<readonly Entry[]> {
  const { modules, packages } = await neededBy(buildRoot, 'controller/cli/main.js', program.isFollowed);
  return [
    ...modules.map((module) => file(`${HOME}/dist/${module}`, readFileSync(join(buildRoot, module)))),
    ...program.files.flatMap(carried),
    file(`${HOME}/package.json`, imagePackageJson(packages)),
    file(`${HOME}/LICENSE`, readCarried('LICENSE')),
    ...(await packageEntries(packages, arch, HOME, fetching)),
  ];
}

function carried(path: string): readonly Entry[] {
  const from = join(packageRoot, path);
  if (!FOLDERS.includes(path)) return [file(`${HOME}/${path}`, readCarried(path))];
  return existsSync(from) ? entriesIn(from, `${HOME}/${path}`, () => true) : [];
}

function readCarried(path: string): Buffer {
  try {
    return readFileSync(join(packageRoot, path));
  } catch (error) {
    throw new CannotBuild(`${path} cannot be read; npm run build makes it (${(error as Error).message})`);
  }
}
