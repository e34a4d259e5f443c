/**
 * Istio Sidecars that leave a proxy with what its workload calls: without one, each proxy holds the configuration of every service of the
 * mesh. A host that a workload has not called for as long as it was looked at is left out, so a workload is looked at for a while
 * first, and what must stay whatever was seen is on an allow list. Pure.
 */
import { Sidecar } from '@kubernetes-models/istio/networking.istio.io/v1beta1';
import type { CalledBy } from '../graph/called.ts';
import type { RoutedHost } from '../graph/configured.ts';
import { MANAGED_BY, WHY } from './labels.ts';
import type { Manifest } from './manifests.ts';

export interface SidecarRules {
  /** For how long a workload must have been looked at, ms. */
  readonly learnMs: number;
  /** Hosts that every proxy keeps, as `NAMESPACE/HOST`; `*` stands for all. */
  readonly allow: readonly string[];
  /** Who calls where these lead may be calling them: the host that was asked for is not seen. */
  readonly routed: readonly RoutedHost[];
  /** ms since 1970 */
  readonly nowMs: number;
}

/** What everybody needs: the control plane's own, and the agents. */
export const ALWAYS_ALLOWED = ['istio-system/*', 'weir-system/*'];

export interface SidecarPlan {
  readonly manifests: readonly Manifest[];
  /** Workloads that are still being looked at: `namespace/name`. */
  readonly learning: readonly string[];
}

export function sidecarsOf(called: readonly CalledBy[], rules: SidecarRules): SidecarPlan {
  const isLearnt = ({ sinceMs }: CalledBy) => rules.nowMs - sinceMs >= rules.learnMs;
  return {
    manifests: called.filter(isLearnt).map((workload) => sidecarOf(workload, rules)),
    learning: called.filter((each) => !isLearnt(each)).map(({ namespace, workload }) => `${namespace}/${workload}`),
  };
}

function sidecarOf({ namespace, workload, sinceMs, hosts }: CalledBy, { allow, routed }: SidecarRules): Manifest {
  const reached = new Set(hosts.map(({ host }) => host));
  const asked = routed.filter(({ to }) => reached.has(to)).map(({ host }) => host);
  const called = [...new Set([...reached, ...asked].map((host) => `${namespaceOf(host)}/${host}`))];
  const day = new Date(sinceMs).toISOString().slice(0, 10);
  const sidecar = new Sidecar({
    metadata: {
      name: `weir-${workload}`,
      namespace,
      labels: { [MANAGED_BY]: 'weir' },
      annotations: {
        [WHY]: `egress: what ${workload} has called since ${day}, hosts whose VirtualServices lead there, and what is always allowed`,
      },
    },
    spec: {
      workloadSelector: { labels: { app: workload } },
      egress: [{ hosts: [...allow, ...called.filter((host) => !allow.includes(`${host.split('/')[0]}/*`))] }],
    },
  });
  sidecar.validate();
  return sidecar.toJSON() as Manifest;
}

/** Of a Service its own; anything else may be declared anywhere. */
function namespaceOf(host: string): string {
  return /^[^.]+\.([^.]+)\.svc\./.exec(host)?.[1] ?? '*';
}
