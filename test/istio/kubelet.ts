/**
 * A node of the test, and what schedules and runs the pods that Kubernetes' controllers make: each is bound to the node unless that is cordoned, becomes a
 * process, is said to be ready once its own probes are answered, to have succeeded or failed by how it ends, and is stopped when it is deleted.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, PatchStrategy, setHeaderOptions, type V1Pod, type V1PodStatus } from '@kubernetes/client-node';
import { Children } from '../../deploy/local/mesh/children.ts';
import type { ApiServer } from './api-server.ts';
import { PodProcess } from './pod-process.ts';

const POLL_MS = 100;

/** One that was run here. */
export interface Life {
  readonly pod: string;
  readonly container: string;
  /** Monotonic. */
  readonly startedMs: number;
  /** Not there: it runs. */
  endedMs?: number;
}

export class Kubelet {
  /** In the order in which they began. */
  readonly lives: Life[] = [];
  /** On which port of this machine each pod listens, by its name. */
  readonly ports: Record<string, number> = {};
  private readonly cluster: ApiServer;
  private readonly node: string;
  private readonly names: Readonly<Record<string, string>>;
  private readonly core: CoreV1Api;
  private readonly children = new Children(() => {});
  private readonly known = new Map<string, PodProcess | 'starting' | 'stopping'>();
  private watching: Promise<void> | undefined;
  private isClosed = false;

  private constructor(cluster: ApiServer, node: string, names: Readonly<Record<string, string>>) {
    this.cluster = cluster;
    this.node = node;
    this.names = names;
    this.core = cluster.kubeConfig.makeApiClient(CoreV1Api);
  }

  /** @param names of `PodProcessOptions` */
  static async start(cluster: ApiServer, node: string, names: Readonly<Record<string, string>>): Promise<Kubelet> {
    const kubelet = new Kubelet(cluster, node, names);
    await kubelet.core.createNode({ body: { metadata: { name: node, labels: { 'kubernetes.io/hostname': node } } } });
    kubelet.watching = kubelet.watch();
    return kubelet;
  }

  /** File of what a pod has said. */
  logOf(pod: string): string {
    return join(this.folderOf(pod), 'log');
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.watching;
    await this.children.stop();
  }

  private folderOf(pod: string): string {
    return join(this.cluster.folder, 'pods', pod);
  }

  private async watch(): Promise<void> {
    while (!this.isClosed) {
      try {
        const { spec } = await this.core.readNode({ name: this.node });
        const { items } = await this.core.listPodForAllNamespaces();
        for (const pod of items) this.look(pod, spec?.unschedulable !== true);
      } catch (error) {
        this.complain('pods are not listed', error);
      }
      await sleep(POLL_MS);
    }
  }

  private look(pod: V1Pod, isOpen: boolean): void {
    const { uid = '', name = '', deletionTimestamp } = pod.metadata ?? {};
    const known = this.known.get(uid);
    if (!known && !deletionTimestamp && isOpen) {
      this.known.set(uid, 'starting');
      this.live(pod).catch((error: unknown) => this.complain(`pod ${name}`, error));
    } else if (known instanceof PodProcess && deletionTimestamp) {
      this.known.set(uid, 'stopping');
      this.end(known, pod).catch((error: unknown) => this.complain(`pod ${name} is not stopped`, error));
    }
  }

  private async live(unbound: V1Pod): Promise<void> {
    const { name = '', namespace = '', uid = '' } = unbound.metadata ?? {};
    const target = { apiVersion: 'v1', kind: 'Node', name: this.node };
    await this.core.createNamespacedPodBinding({ name, namespace, body: { metadata: { name }, target } });
    const pod = await this.core.readNamespacedPod({ name, namespace });
    mkdirSync(this.folderOf(name), { recursive: true });
    const running = await PodProcess.start(pod, {
      ...{ core: this.core, children: this.children, names: this.names },
      folder: this.folderOf(name),
      apiServerUrl: this.cluster.url,
    });
    this.known.set(uid, running);
    this.ports[name] = running.port;
    const life: Life = { pod: name, container: running.container.name, startedMs: performance.now() };
    this.lives.push(life);
    const ended = running.child.ended.then((how) => {
      life.endedMs = performance.now();
      return how;
    });
    await this.say(running, 'Running', { isReady: false });
    while (running.child.isRunning() && this.known.get(uid) === running) {
      if (await running.isReady()) {
        await this.say(running, 'Running', { isReady: true });
        break;
      }
      await sleep(POLL_MS);
    }
    const how = await ended;
    // What it is stopped by is not said: it goes.
    if (this.known.get(uid) !== running || this.isClosed) return;
    await this.say(running, how === 'exit code 0' ? 'Succeeded' : 'Failed', { isReady: false });
  }

  private async end({ child }: PodProcess, { metadata }: V1Pod): Promise<void> {
    const { name = '', namespace = '', deletionGracePeriodSeconds = 0 } = metadata ?? {};
    const timer = setTimeout(() => void this.children.kill(child, 'SIGKILL'), deletionGracePeriodSeconds * 1_000);
    await this.children.kill(child, 'SIGTERM');
    clearTimeout(timer);
    await this.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
  }

  private async say(
    { pod, container }: PodProcess,
    phase: 'Running' | 'Succeeded' | 'Failed',
    { isReady }: { readonly isReady: boolean },
  ): Promise<void> {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    const now = new Date();
    const is = (type: string, holds: boolean) => ({
      ...{ type, status: holds ? 'True' : 'False' },
      lastTransitionTime: now,
    });
    const podIP = `10.244.0.${1 + Object.keys(this.ports).indexOf(name)}`;
    const terminated = { exitCode: phase === 'Failed' ? 1 : 0, finishedAt: now };
    const status: V1PodStatus = {
      ...{ phase, podIP, podIPs: [{ ip: podIP }], startTime: now },
      conditions: [
        is('PodScheduled', true),
        is('Initialized', true),
        is('ContainersReady', isReady),
        is('Ready', isReady),
      ],
      containerStatuses: [
        {
          ...{ name: container.name, image: container.image ?? '', imageID: '', restartCount: 0, ready: isReady },
          state: phase === 'Running' ? { running: { startedAt: now } } : { terminated },
        },
      ],
    };
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    await this.core.patchNamespacedPodStatus({ name, namespace, body: { status } }, merge);
  }

  private complain(what: string, error: unknown): void {
    if (!this.isClosed) process.stderr.write(`${what}: ${(error as Error).message}\n`);
  }
}
