/** The chart as helm renders it, as plain objects. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { packageRoot } from '../../deploy/local/root.ts';
import type { ApiServer } from './api-server.ts';

export const chartFolder = join(packageRoot, 'deploy', 'helm', 'weir');
export const SYSTEM_NAMESPACE = 'weir-system';

export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly template?: PodTemplate };
}

export interface PodTemplate {
  readonly metadata: object;
  readonly spec: {
    readonly containers: readonly Container[];
    readonly nodeSelector?: object;
    readonly tolerations?: readonly object[];
  };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** @param more options of helm @throws Error with what helm complained of */
export function renderChart(cluster: ApiServer, values: object, ...more: readonly string[]): readonly Rendered[] {
  return renderWith(cluster.programs.helm, values, ...more);
}

/** @param helm path of the program @throws Error with what it complained of */
export function renderWith(helm: string, values: object, ...more: readonly string[]): readonly Rendered[] {
  const folder = mkdtempSync(join(tmpdir(), 'weir-helm-'));
  try {
    const path = join(folder, 'values.json');
    writeFileSync(path, JSON.stringify(values));
    const args = ['template', 'weir', chartFolder, '--namespace', SYSTEM_NAMESPACE, '--values', path, ...more];
    const env = { ...process.env, HELM_CACHE_HOME: folder };
    const text = execFileSync(helm, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
    return parseAllDocuments(text).flatMap((document) => {
      const object = document.toJS() as Rendered | null;
      return object ? [object] : [];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a container of the chart has in its environment by value. @throws RangeError */
export function environmentOf(objects: readonly Rendered[], kind: string): Record<string, string> {
  return Object.fromEntries(
    containerOf(objects, kind).env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

/** What a container of the chart gives its image to run. @throws RangeError */
export function argsOf(objects: readonly Rendered[], kind: string): readonly string[] {
  return containerOf(objects, kind).args;
}

/** What the pods of a Deployment, DaemonSet or Job of the chart are made by. @throws RangeError */
export function templateOf(objects: readonly Rendered[], kind: string): PodTemplate {
  const template = objects.find((object) => object.kind === kind)?.spec?.template;
  if (!template) throw new RangeError(`the chart has no ${kind}`);
  return template;
}

function containerOf(objects: readonly Rendered[], kind: string): Container {
  const [container] = templateOf(objects, kind).spec.containers;
  if (!container) throw new RangeError(`the ${kind} of the chart has no container`);
  return container;
}

/** Which pods a Service of the chart sends to. @throws RangeError */
export function selectorOf(objects: readonly Rendered[], service: string): Readonly<Record<string, string>> {
  const found = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === service);
  if (!found?.spec) throw new RangeError(`the chart has no Service ${service}`);
  return (found.spec as { readonly selector?: Readonly<Record<string, string>> }).selector ?? {};
}
