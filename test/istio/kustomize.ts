/** The kustomize base: what the chart renders with its defaults, for clusters that are kept without helm. `node dist/test/istio/kustomize.js` writes it anew. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { packageRoot } from '../../deploy/local/root.ts';
import { chartFolder, renderWith, SYSTEM_NAMESPACE } from './chart.ts';
import { findPrograms } from './programs.ts';

export const baseFolder = join(packageRoot, 'deploy', 'kustomize', 'base');
const MADE = '# Made from deploy/helm/weir by `npm run emit:kustomize`.\n';
/** What helm says of itself. */
const OF_HELM = ['helm.sh/chart', 'app.kubernetes.io/managed-by'];

/** Text by name of file. @param helm path of the program */
export function kustomizeBase(helm: string): Readonly<Record<string, string>> {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: SYSTEM_NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  };
  const objects = JSON.parse(JSON.stringify(renderWith(helm, {}, '--no-hooks')), (key, value: unknown) =>
    OF_HELM.includes(key) ? undefined : value,
  ) as object[];
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['adaptiveroutes.yaml', 'weir.yaml'],
  };
  const documents = [namespace, ...objects].map((object) => stringify(object, { lineWidth: 0 }));
  return {
    'adaptiveroutes.yaml': readFileSync(join(chartFolder, 'crds', 'adaptiveroutes.yaml'), 'utf8'),
    'kustomization.yaml': MADE + stringify(kustomization),
    'weir.yaml': MADE + documents.join('---\n'),
  };
}

async function main(): Promise<void> {
  const { helm } = await findPrograms((line) => process.stdout.write(`${line}\n`), ['helm']);
  mkdirSync(baseFolder, { recursive: true });
  for (const [name, text] of Object.entries(kustomizeBase(helm))) {
    writeFileSync(join(baseFolder, name), text);
    process.stdout.write(`deploy/kustomize/base/${name}\n`);
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
