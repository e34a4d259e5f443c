/** What one Envoy holds in a mesh of so many services: with all of them, and with a Sidecar of Weir's for what its workload has called. */
import { readFileSync } from 'node:fs';
import { ALWAYS_ALLOWED, sidecarsOf } from '../../../controller/generate/sidecar.ts';
import type { CalledBy } from '../../../controller/graph/called.ts';
import { eventually } from '../../istio/eventually.ts';
import type { Sidecar } from '../../istio/sidecar.ts';
import { hostOf, type Mesh, NAMESPACE, nobodysPort, PORT, serviceEntry } from './mesh.ts';

const WORKLOAD = 'buyer';

export interface Held {
  readonly configBytes: number;
  /** Resident memory. */
  readonly rssBytes: number;
  readonly clusters: number;
}

/** @param services there are beside those that are called @param called what the workload calls */
export async function measureSidecars(
  mesh: Mesh,
  services: number,
  called: string,
): Promise<{ readonly without: Held; readonly with: Held }> {
  const port = await nobodysPort();
  const entries = Array.from({ length: services }, (_, i) => {
    const name = `service-${i + 1}`;
    return serviceEntry(name, NAMESPACE, hostOf(name), PORT, [{ name: 'v1', port }]);
  });
  mesh.cluster.apply(...entries);
  const all = await mesh.proxy('all-of-it', called);
  await eventually('all services to be known', async () => (await clustersOf(all)) >= services);
  const learner = await mesh.proxy(WORKLOAD, called);
  // The controller learns from real samples of this proxy what its workload calls.
  let seen: CalledBy | undefined;
  await eventually('the calls to be known to the controller', async () => {
    await learner.call(hostOf(called), PORT);
    const answer = await mesh.weir.ask('/v1/calls');
    const { workloads } = (await answer.json()) as { workloads: readonly CalledBy[] };
    seen = workloads.find(({ workload }) => workload === WORKLOAD);
    return seen !== undefined;
  });
  const { manifests } = sidecarsOf(seen ? [seen] : [], {
    learnMs: 0,
    allow: ALWAYS_ALLOWED,
    routed: [],
    nowMs: Date.now(),
  });
  const [sidecar] = manifests as unknown as { spec: { egress: { hosts: string[] }[] } }[];
  const hosts = sidecar?.spec.egress[0]?.hosts;
  if (!hosts) throw new Error('no Sidecar was made of what was called');
  const few = await mesh.proxy('few-of-it', called, hosts);
  return { without: await heldBy(all), with: await heldBy(few) };
}

async function heldBy(proxy: Sidecar): Promise<Held> {
  const dump = await proxy.admin('/config_dump?include_eds');
  const status = readFileSync(`/proc/${proxy.pid}/status`, 'utf8');
  const rssKiB = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN);
  return { configBytes: Buffer.byteLength(dump), rssBytes: rssKiB * 1024, clusters: await clustersOf(proxy) };
}

async function clustersOf(proxy: Sidecar): Promise<number> {
  const { cluster_statuses: clusters } = JSON.parse(await proxy.admin('/clusters?format=json')) as {
    cluster_statuses?: readonly unknown[];
  };
  return clusters?.length ?? 0;
}
