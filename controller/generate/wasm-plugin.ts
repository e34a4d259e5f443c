/** The WasmPlugin by which Istio brings the filter into Envoys: of one namespace, or of the whole mesh in its root namespace. Pure. */
import { WasmPlugin } from '@kubernetes-models/istio/extensions.istio.io/v1alpha1';
import { MANAGED_BY, WHY } from './labels.ts';
import type { Manifest } from './manifests.ts';

export interface Attachment {
  readonly namespace: string;
  /** `http://` or `https://` of the module itself, or `oci://` of an image of it. */
  readonly url: string;
  /** Hexadecimal, of the module; absent for an image, which its own digest names. */
  readonly sha256?: string;
  /** Service of the agents, with its whole name. */
  readonly agentHost: string;
  readonly agentPort: number;
}

export function wasmPluginOf({ namespace, url, sha256, agentHost, agentPort }: Attachment): Manifest {
  const why = [
    'failStrategy: a filter that cannot be fetched, or fails, is passed by; requests then go by the plain routes',
    'match: the filter steers the calls that a workload makes, not those that it gets',
  ];
  // Istio has it; the library's schema of this version does not.
  const failStrategy: Readonly<Record<string, string>> = { failStrategy: 'FAIL_OPEN' };
  const plugin = new WasmPlugin({
    metadata: {
      name: 'weir',
      namespace,
      labels: { [MANAGED_BY]: 'weir' },
      annotations: { [WHY]: why.join('\n') },
    },
    spec: {
      pluginName: 'weir',
      url,
      ...(sha256 !== undefined && { sha256 }),
      ...failStrategy,
      match: [{ mode: 'CLIENT' }],
      pluginConfig: { agent_cluster: `outbound|${agentPort}||${agentHost}`, agent_authority: agentHost },
    },
  });
  plugin.validate();
  return plugin.toJSON() as Manifest;
}
