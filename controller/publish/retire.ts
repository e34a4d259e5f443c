/**
 * The end of the controllers, before what they keep is taken away: one that still ran would write it anew, a VirtualService perhaps
 * whose subsets go next.
 */
import {
  type AppsV1Api,
  type CoordinationV1Api,
  type CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { orNothing } from '../intake/api-server.ts';

/** Twice what a pod is given to end. */
const STOP_WITHIN_MS = 60_000;

export interface RetireOptions {
  readonly apps: Pick<AppsV1Api, 'patchNamespacedDeploymentScale'>;
  readonly core: Pick<CoreV1Api, 'listNamespacedPod'>;
  readonly coordination: Pick<CoordinationV1Api, 'deleteNamespacedLease'>;
  /** Of the Deployment; the Lease by which one of its pods leads has the same. */
  readonly namespace: string;
  readonly name: string;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Between two looks at the pods. */
  readonly pause: () => Promise<unknown>;
}

export class StillRunning extends Error {
  override readonly name = 'StillRunning';
  readonly code = 'WEIR_CONTROLLER_STILL_RUNNING';
}

/**
 * Scales the Deployment to none, waits until no pod of it runs, and takes its Lease away. What is not there is as it is to be.
 * @throws StillRunning after a minute; any other error is the API server's
 */
export async function retire(options: RetireOptions): Promise<void> {
  const { apps, core, coordination, namespace, name, nowMs, pause } = options;
  const scale = await orNothing(
    apps.patchNamespacedDeploymentScale(
      { namespace, name, body: { spec: { replicas: 0 } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    ),
  );
  const labelSelector = scale?.status?.selector;
  if (labelSelector !== undefined) {
    const deadlineMs = nowMs() + STOP_WITHIN_MS;
    for (;;) {
      const { items } = await core.listNamespacedPod({ namespace, labelSelector });
      // One that was evicted, for example, has ended and stays to be seen.
      const running = items.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
      if (running.length === 0) break;
      if (nowMs() > deadlineMs) {
        const names = running.map(({ metadata }) => metadata?.name).join(', ');
        throw new StillRunning(
          `pods of Deployment ${namespace}/${name} are still there ${STOP_WITHIN_MS / 1_000} s after they were told to end: ${names}; while they run they may write anew what is taken away, so nothing is`,
        );
      }
      await pause();
    }
  }
  await orNothing(coordination.deleteNamespacedLease({ namespace, name }));
}
