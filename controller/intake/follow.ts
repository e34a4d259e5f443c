/**
 * One kind of object in a Kubernetes API server, kept in step by an informer: list, then watch, resumed at the version seen last.
 * Whenever it breaks it is begun again, with growing waits; what was seen last stays meanwhile.
 */
import {
  type Informer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  type ObjectCache,
} from '@kubernetes/client-node';
import type { Log } from '../log.ts';
import { isRefused, sayFailure } from './api-server.ts';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

export interface FollowOptions<T extends KubernetesObject> {
  readonly kubeConfig: KubeConfig;
  /** For example /apis/weir.dev/v1alpha1/adaptiveroutes */
  readonly path: string;
  /** In words, plural: `AdaptiveRoutes`. */
  readonly what: string;
  /** Of those that are listed; undefined: all. */
  readonly labelSelector?: string;
  readonly list: () => Promise<KubernetesListObject<T>>;
  readonly log: Log;
}

export class Followed<T extends KubernetesObject> {
  /** Called after anything was added, changed or removed. */
  onChange: () => void = () => {};
  /** Whether the API server has told of all of them once. */
  isListed = false;
  private readonly options: FollowOptions<T>;
  private readonly informer: Informer<T> & ObjectCache<T>;
  private waitMs = FIRST_WAIT_MS;
  private timer: NodeJS.Timeout | undefined;
  private isBroken = false;
  private isClosed = false;
  private opened: (() => void) | undefined;
  private failed: (() => void) | undefined;

  constructor(options: FollowOptions<T>) {
    const { kubeConfig, path, labelSelector } = options;
    this.options = options;
    const list = async () => {
      const found = await options.list();
      this.works();
      // Told after the informer has taken the list in.
      setImmediate(() => this.listed());
      return found;
    };
    this.informer = makeInformer(kubeConfig, path, list, labelSelector);
    this.informer.on('change', () => {
      this.works();
      this.onChange();
    });
    this.informer.on('error', (error: unknown) => this.begin(error));
  }

  /** Resolves once the first list is there, however long that takes; each failure until then is said. */
  async open(): Promise<void> {
    const listed = new Promise<void>((resolve) => {
      this.opened = resolve;
    });
    void this.informer.start();
    await listed;
    this.opened = undefined;
  }

  /** Resolves too where the API server does not let us have it, or does not know it: that is said, and tried again, as ever. */
  async openIfAllowed(): Promise<void> {
    const failed = new Promise<void>((resolve) => {
      this.failed = resolve;
    });
    await Promise.race([this.open(), failed]);
    this.failed = undefined;
  }

  list(): readonly T[] {
    return this.informer.list();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    void this.informer.stop();
  }

  private listed(): void {
    const isFirst = !this.isListed;
    this.isListed = true;
    this.opened?.();
    if (isFirst) this.onChange();
  }

  private works(): void {
    this.waitMs = FIRST_WAIT_MS;
    if (!this.isBroken) return;
    this.isBroken = false;
    this.options.log.info({ event: 'api_server_back' }, `the API server tells of ${this.options.what} again`);
  }

  private begin(error: unknown): void {
    if (this.isClosed) return;
    const { log, what } = this.options;
    if (isRefused(error)) this.failed?.();
    // An API server closes a watch every few minutes, and a restart of it ends them all: only what lasts is worth a line.
    if (this.waitMs > FIRST_WAIT_MS && !this.isBroken) {
      this.isBroken = true;
      log.warn(
        { event: 'api_server_lost', err: error },
        `${sayFailure(error, what)}; what is in force stays, trying again`,
      );
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.informer.start(), this.waitMs);
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 2);
  }
}
