/**
 * The label by which the chart's Service finds the one pod that leads. Every controller is ready, the leader and those that stand
 * by: were only one of them ever ready, no rollout would end, and no budget would let a node be drained.
 */
import { type CoreV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import { codeOf, FIELD_MANAGER, inTime } from '../intake/api-server.ts';
import type { Log } from '../log.ts';

export const LEADER_LABEL = 'weir.dev/leader';
const RETRY_MS = 2_000;

export interface LeaderLabelOptions {
  readonly pods: Pick<CoreV1Api, 'patchNamespacedPod'>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Says what an error of the API server means. */
  readonly explain: (error: unknown) => string;
}

export class LeaderLabel {
  private readonly options: LeaderLabelOptions;
  private isClosed = false;
  private readonly waits = new Set<() => void>();

  constructor(options: LeaderLabelOptions) {
    this.options = options;
  }

  /** Puts it onto a pod or takes it off; resolves once that is so, after close() in any case. A pod that is gone has none. */
  async set(pod: string, isLeader: boolean): Promise<void> {
    const { namespace, clock, log, explain, pods } = this.options;
    const body = { metadata: { labels: { [LEADER_LABEL]: isLeader ? 'true' : null } } };
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch, inTime());
    for (let failures = 0; ; failures++) {
      try {
        await pods.patchNamespacedPod({ name: pod, namespace, body, fieldManager: FIELD_MANAGER }, merge);
        return;
      } catch (error) {
        const isGone = codeOf(error) === 404;
        if (isGone && !isLeader) return;
        const why = isGone ? `there is no pod ${pod} in ${namespace}` : explain(error);
        const message = `${why}; pod ${pod} keeps the label ${LEADER_LABEL} as it is, and it is tried again`;
        if (failures === 0) log.warn({ event: 'leader_label_failed', pod, err: error }, message);
      }
      if (this.isClosed) return;
      await this.wait(clock);
    }
  }

  /** From now on each thing is tried once. */
  close(): void {
    this.isClosed = true;
    for (const cancel of this.waits) cancel();
  }

  private wait(clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(RETRY_MS, () => {
        this.waits.delete(cancel);
        resolve();
      });
      this.waits.add(cancel);
    });
  }
}
