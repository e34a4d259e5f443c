/**
 * `npm run images`: the images of the filter, the agent and the controller as OCI image layouts, or as folders for tools that make images of
 * those. The composition root of this room. No container engine is asked for.
 */
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { cacheFolder } from '../local/envoy/find.ts';
import { ARCHES, type Arch, baseEntries, lock } from './base.ts';
import type { Entry } from './entries.ts';
import { CannotBuild } from './errors.ts';
import type { Fetching } from './fetch.ts';
import { annotationsOf, FILTER_IMAGE, FILTER_TITLE, filterEntries, PROGRAMS, programEntries, runOf } from './images.ts';
import { type Image, type Layer, layerOf, writeLayout } from './layout.ts';
import { packageJson } from './packages.ts';
import { writeRootFs } from './root-fs.ts';

type Which = 'filter' | keyof typeof PROGRAMS;
const ALL: readonly Which[] = ['filter', 'agent', 'controller'];

interface Options {
  readonly output: string;
  readonly only: readonly Which[];
  readonly arch: Arch;
  readonly rootFs: boolean;
}

const ownArch = process.arch === 'arm64' ? 'arm64' : 'amd64';
const command = new Command('images')
  .description('Builds the images of Weir as OCI image layouts, with no container engine.')
  .requiredOption('--output <folder>', 'where they are put, each in a folder of its name')
  .option('--only <names>', `some of ${ALL.join(', ')}, with commas between`, whichOf, ALL)
  .addOption(new Option('--arch <name>', 'processor of agent and controller').choices(ARCHES).default(ownArch))
  .option('--root-fs', 'write root file systems as folders, and no layouts', false)
  .addHelpText(
    'after',
    `
Every time in an image is SOURCE_DATE_EPOCH, in s since 1970; 0 where it is not set.

Example:
  npm run images -- --output run/images --only agent,controller --arch arm64
  crane push run/images/weir-agent registry.example.com/weir-agent:${packageJson.version}`,
  )
  .action(build);

/** Entries that become one layer. */
interface Part {
  readonly what: string;
  readonly entries: readonly Entry[];
}

interface Plan extends Pick<Image, 'architecture' | 'os' | 'run'> {
  readonly name: string;
  readonly title: string;
  readonly parts: readonly Part[];
}

async function build(options: Options): Promise<void> {
  const epochS = parseEpoch(process.env.SOURCE_DATE_EPOCH);
  // Of a part that two images have there is one layer, and a node fetches it once.
  const layers = new Map<Part, Promise<Layer>>();
  for await (const plan of plansOf(options)) {
    const { name, title, parts, ...platform } = plan;
    const path = resolve(options.output, name);
    if (options.rootFs) {
      writeRootFs(
        path,
        parts.flatMap(({ entries }) => entries),
      );
      say(`${name} is in ${path}`);
      continue;
    }
    for (const part of parts) {
      if (!layers.has(part)) layers.set(part, layerOf(part.entries, part.what, epochS));
    }
    const made = await Promise.all(parts.flatMap((part) => layers.get(part) ?? []));
    const image = { ...platform, layers: made, annotations: annotationsOf(title), tag: packageJson.version, epochS };
    const { digest, sizeBytes } = writeLayout(path, image);
    say(`${name}@${digest} is in ${path}, ${Math.ceil(sizeBytes / 1024)} KiB to fetch`);
  }
}

async function* plansOf({ only, arch }: Options): AsyncGenerator<Plan> {
  if (only.includes('filter')) {
    const parts = [{ what: FILTER_TITLE, entries: filterEntries() }];
    // The module is the same everywhere, and is no program of any system.
    yield { name: FILTER_IMAGE, title: FILTER_TITLE, architecture: 'wasm', os: 'unknown', parts };
  }
  const programs = (['agent', 'controller'] as const)
    .filter((name) => only.includes(name))
    .map((name) => PROGRAMS[name]);
  if (programs.length === 0) return;
  const fetching: Fetching = { folder: join(cacheFolder(process.env), 'images'), say };
  const base = {
    what: `Node ${lock.node.version} on Debian ${lock.debian.suite}`,
    entries: await baseEntries(arch, fetching),
  };
  for (const program of programs) {
    const { name, title } = program;
    const own = { what: title, entries: await programEntries(program, arch, fetching) };
    yield { name, title, architecture: arch, os: 'linux', run: runOf(program), parts: [base, own] };
  }
}

function whichOf(text: string): readonly Which[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !ALL.some((each) => each === name));
  if (wrong === undefined) return ALL.filter((each) => names.includes(each));
  throw new InvalidArgumentError(`It must be some of ${ALL.join(', ')}, with commas between.`);
}

/** @throws CannotBuild */
function parseEpoch(text = '0'): number {
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new CannotBuild(`SOURCE_DATE_EPOCH is ${text}; it must be whole seconds since 1970`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof CannotBuild)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
