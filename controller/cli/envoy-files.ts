/** What `weir generate --envoy` writes, and how a listener refers to it. */
import { join, resolve } from 'node:path';
import { CommandError } from './client.ts';
import { findRoutes } from './gather.ts';
import { print } from './text.ts';

export interface EnvoyFilesOptions {
  readonly from: string;
  readonly output: string;
  /** Of the compiled filter, where Envoy runs. */
  readonly module?: string;
}

/** @throws CommandError, RouteError */
export async function writeEnvoyFiles({ from, output, module }: EnvoyFilesOptions): Promise<void> {
  const { initialWeights } = await import('../decide/weights.ts');
  const { filterFile } = await import('../filter-module.ts');
  const { FILTER_FILE, filterText, listenerPart, ROUTES_FILE, routesText } = await import('../generate/envoy-files.ts');
  const { plansOf } = await import('../publish/plan.ts');
  const { replaceFile } = await import('../publish/replace-file.ts');
  const { serviceOf } = await import('../routes/route.ts');
  const { stringify } = await import('yaml');

  const { routes, services = [] } = await findRoutes(from);
  if (routes.length === 0) throw new CommandError(`the controller at ${from} has no route`);
  // A host that is not steered is there all the same: these are all the routes that its listener has.
  const enforced = new Map(plansOf(routes, services).map(({ route, weights }) => [route, weights]));
  const weighed = routes.map((route) => ({ route, weights: enforced.get(route) ?? initialWeights(route) }));
  const folder = resolve(output);
  const modulePath = resolve(module ?? filterFile());
  replaceFile(join(folder, ROUTES_FILE), routesText(weighed));
  replaceFile(join(folder, FILTER_FILE), filterText(modulePath));
  print(`${join(output, ROUTES_FILE)}: ${routes.map(serviceOf).join(', ')}`);
  print(`${join(output, FILTER_FILE)}: ${modulePath}`);
  const clusters = routes.flatMap(({ spec }) => spec.backends.map(({ cluster }) => cluster));
  print(`
In the HttpConnectionManager of the listener that callers of these hosts use:

${stringify(listenerPart(folder), { lineWidth: 0 })}
Envoy reads a file again when another is moved over it, which is how they are written. Yours are the clusters:
${clusters.join(', ')}, and weir-agent, the agent of the node. Who the caller is, the filter
reads in node: metadata.NAMESPACE, metadata.LABELS.app, locality.zone.`);
}
