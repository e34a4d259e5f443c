/** The chart as helm renders it, as plain objects. */
import { writeFileSync } from 'node:fs';
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
  readonly spec: { readonly containers: readonly Container[] };
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** @param more options of helm @throws Error with what helm complained of */
export function renderChart(cluster: ApiServer, values: object, ...more: readonly string[]): readonly Rendered[] {
  const path = join(cluster.folder, 'values.json');
  writeFileSync(path, JSON.stringify(values));
  const release = ['weir', chartFolder, '--namespace', SYSTEM_NAMESPACE];
  const text = cluster.helm('template', ...release, '--values', path, ...more);
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as Rendered | null;
    return object ? [object] : [];
  });
}

/** What a container of the chart has in its environment by value. @throws RangeError */
export function environmentOf(objects: readonly Rendered[], kind: string): Record<string, string> {
  const template = objects.find((object) => object.kind === kind)?.spec?.template;
  const [container] = template?.spec.containers ?? [];
  if (!container) throw new RangeError(`the chart has no ${kind}`);
  return Object.fromEntries(
    container.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
