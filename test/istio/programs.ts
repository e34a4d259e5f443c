/**
 * The programs of a Kubernetes control plane, built from their Go modules and kept in the cache. Their folder is named by a digest
 * of what they are built from, so another version is another folder.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../deploy/local/envoy/find.ts';
import { packageRoot } from '../../deploy/local/root.ts';

const sources = join(packageRoot, 'test', 'istio', 'programs');
const NAMES = ['etcd', 'kube-apiserver'] as const;
const ISTIO = 'v0.0.0-20260827124520-eed52ebb66ad';
export type Program = (typeof NAMES)[number];

/** Paths of the programs; builds what is not there, which takes minutes. @param say told what is being done @throws Error */
export async function findPrograms(say: (line: string) => void): Promise<Readonly<Record<Program, string>>> {
  const folder = join(cacheFolder(process.env), `istio-${digest()}`);
  mkdirSync(folder, { recursive: true });
  for (const name of NAMES) {
    const path = join(folder, name);
    if (existsSync(path)) continue;
    const startedMs = performance.now();
    say(`building ${name} from its Go module, once; this takes minutes`);
    await build(name, `${path}.part`);
    renameSync(`${path}.part`, path);
    say(`${name} is built (${Math.round((performance.now() - startedMs) / 1000)} s) and kept in ${folder}`);
  }
  return { etcd: join(folder, 'etcd'), 'kube-apiserver': join(folder, 'kube-apiserver') };
}

/** File of Istio's own custom resource definitions, from its Go module. @throws Error when it cannot be fetched */
export function istioDefinitions(): string {
  const answer = execFileSync('go', ['mod', 'download', '-json', `istio.io/istio@${ISTIO}`], { encoding: 'utf8' });
  const { Dir } = JSON.parse(answer) as { Dir: string };
  return join(Dir, 'manifests', 'charts', 'base', 'files', 'crd-all.gen.yaml');
}

function digest(): string {
  const hash = createHash('sha256');
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(go|mod|sum)$/.test(path),
  );
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(sources, file)));
  return hash.digest('hex').slice(0, 12);
}

async function build(name: Program, output: string): Promise<void> {
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', output, `./${name}`];
  const child = spawn('go', args, { cwd: sources, stdio: ['ignore', 'inherit', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', () => reject(new Error('go is not on PATH; install Go 1.24 or newer (https://go.dev/dl)')));
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${name} could not be built (go ${args.join(' ')}, exit ${code}):\n${complaint}`);
}
