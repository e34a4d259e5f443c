/** Changes to a generated bootstrap that some suites need and no demo does: HTTP/2 upstreams, listeners that come from a file. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Json } from './lab.ts';

interface Static {
  listeners: Json[];
  clusters: Json[];
}

const staticOf = (bootstrap: Json) => bootstrap.static_resources as Static;

/** Every cluster of services speaks HTTP/2 without TLS, as gRPC backends do. */
export function useHttp2(bootstrap: Json): void {
  for (const cluster of staticOf(bootstrap).clusters) {
    if (cluster.name === 'weir-agent') continue;
    cluster.typed_extension_protocol_options = {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    };
  }
}

/** Listeners are read from a file that Envoy watches, in a folder of its own. */
export function useListenerFile(bootstrap: Json, file: string): void {
  writeListeners(bootstrap, file, '1');
  staticOf(bootstrap).listeners = [];
  const folder = dirname(file);
  bootstrap.dynamic_resources = {
    lds_config: { resource_api_version: 'V3', path_config_source: { path: file, watched_directory: { path: folder } } },
  };
}

/** Puts the listeners of a bootstrap in force by renaming a new file over the old one, which is what Envoy watches for. */
export function writeListeners(bootstrap: Json, file: string, version: string): void {
  const resources = staticOf(bootstrap).listeners.map((listener) => ({
    '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
    ...listener,
  }));
  mkdirSync(dirname(file), { recursive: true });
  const scratch = join(dirname(dirname(file)), `listeners-${version}.json`);
  writeFileSync(scratch, JSON.stringify({ version_info: version, resources }));
  renameSync(scratch, file);
}
