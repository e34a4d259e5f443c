/**
 * Files from which Envoys without Istio take their routes and the filter by themselves: what an xDS server would answer, read anew
 * whenever another file is moved over the one that is there. Listeners and clusters are their owner's. Pure.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { virtualHostsOf, WASM_TYPE, type WeighedRoute, wasmFilterOf } from './envoy.ts';

export const ROUTES_FILE = 'routes.yaml';
export const FILTER_FILE = 'filter.yaml';
/** Name of the routes and of the filter, where a listener refers to them. */
const NAME = 'weir';
/** A filter that lets everything pass, for when ours cannot be had. */
const PASS_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';

/** Routes of every service. A cluster that Envoy does not have refuses the file, and what was in force stays. */
export function routesText(weighed: readonly WeighedRoute[]): string {
  return responseText({
    '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    name: NAME,
    virtual_hosts: virtualHostsOf(weighed),
    validate_clusters: true,
  });
}

/** @param modulePath of the compiled filter, where Envoy runs */
export function filterText(modulePath: string): string {
  return responseText({
    '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
    name: NAME,
    typed_config: wasmFilterOf(modulePath, {}),
  });
}

/** Fields of an HttpConnectionManager that refer to both. The router comes after the filter. */
export function listenerPart(folder: string) {
  const from = (file: string) => ({
    resource_api_version: 'V3',
    path_config_source: { path: join(folder, file) },
  });
  return {
    rds: { route_config_name: NAME, config_source: from(ROUTES_FILE) },
    http_filters: [
      {
        name: NAME,
        config_discovery: {
          config_source: from(FILTER_FILE),
          default_config: { '@type': PASS_TYPE },
          type_urls: [WASM_TYPE, PASS_TYPE],
        },
      },
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
}

/** The version is a digest, so Envoy's config dump says which file is in force. */
function responseText(resource: Readonly<Record<string, unknown>>): string {
  const version = createHash('sha256').update(JSON.stringify(resource)).digest('hex').slice(0, 12);
  return `# Made by weir generate --envoy.\n${stringify({ version_info: version, resources: [resource] }, { lineWidth: 0 })}`;
}
