/** Routes from a file or from every YAML file of a folder (not of its sub-folders), in the order of their names. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAll, RouteError, type RouteText } from './parse.ts';
import type { AdaptiveRoute } from './route.ts';

/** @throws RouteError when a file cannot be read, is wrong, or there is no document at all */
export function loadRoutes(path: string, policies?: readonly string[]): readonly AdaptiveRoute[] {
  const routes = parseAll(readTexts(path), policies);
  if (routes.length === 0) throw new RouteError([`${path} holds no AdaptiveRoute document; at least one is needed`]);
  return routes;
}

/**
 * Those that a file can say all of.
 * @throws RouteError when one leaves its backends to an API server
 */
export function loadWholeRoutes(path: string, policies?: readonly string[]): readonly AdaptiveRoute[] {
  const routes = loadRoutes(path, policies);
  const open = routes.filter(({ spec }) => spec.backendsFrom);
  if (open.length === 0) return routes;
  throw new RouteError(
    open.map(
      ({ metadata }) =>
        `AdaptiveRoute ${metadata.namespace}/${metadata.name}: spec.backendsFrom asks an API server, and ${path} is a file; name the backends, or take routes from the API server (WEIR_CONTROLLER_ROUTES=kubernetes)`,
    ),
  );
}

function readTexts(path: string): readonly RouteText[] {
  try {
    const files = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((file) => /\.ya?ml$/.test(file) && !file.startsWith('.'))
          .sort()
          .map((file) => join(path, file))
      : [path];
    return files.map((file) => ({ text: readFileSync(file, 'utf8'), name: basename(file) }));
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : (cause as Error).message;
    throw new RouteError([`${path}, where the routes should be, cannot be read: ${reason}`]);
  }
}
