/**
 * AdaptiveRoutes of a Kubernetes cluster as a source of routes: watched, judged one by one, and told on each route's status what
 * became of it. One that is wrong costs nobody else anything.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  CustomObjectsApi,
  type KubeConfig,
  type KubernetesObject,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { Log } from '../log.ts';
import { GROUP, PLURAL, VERSION } from '../routes/crd.ts';
import { RouteError, readRoute } from '../routes/parse.ts';
import { type AdaptiveRoute, serviceOf } from '../routes/route.ts';
import type { OpenRoutes, RouteListener, RouteNews, RouteSource } from '../routes/source.ts';
import type { Remembered } from '../steer/memory.ts';
import type { SavedService } from '../steer/saved.ts';
import { type Acceptance, acceptAll, nameOf, type RouteObject } from './accept.ts';
import { codeOf, FIELD_MANAGER, sayFailure } from './api-server.ts';
import type { Discovery } from './discovery.ts';
import { Followed } from './follow.ts';
import { rememberedOf } from './remembered.ts';
import { type RouteStatus, statusOf } from './status.ts';

const WHAT = 'AdaptiveRoutes';
/** A change is taken once things have been still for so long: `kubectl apply` of a folder is many. */
const STILL_MS = 100;
/** What backends come from changes all the time while pods come and go: it is looked at once in so long. */
const DISCOVERED_MS = 1_000;
/** A route's status is written at most so often, but at once where a person has pinned or frozen: the next controller must know. */
const STATUS_EVERY_MS = 5_000;

interface Written {
  readonly atMs: number;
  readonly holds: string;
  readonly status: RouteStatus;
}

/** What is used of CustomObjectsApi. */
type Objects = Pick<CustomObjectsApi, 'patchNamespacedCustomObjectStatus'>;

export interface KubernetesRoutesOptions extends RouteListener {
  readonly followed: Pick<Followed<KubernetesObject>, 'list' | 'close' | 'onChange'>;
  readonly discovery: Pick<Discovery, 'backendsOf' | 'lookBehind' | 'close' | 'onChange'>;
  readonly objects: Objects;
  readonly log: Log;
}

/**
 * Waits until the API server has listed its AdaptiveRoutes and what their backends come from, and gives what opens them.
 * @param namespace the only one that is looked at; undefined: all
 * @param discovery open already
 */
export async function openKubernetesRoutes(
  namespace: string | undefined,
  log: Log,
  kubeConfig: KubeConfig,
  discovery: Discovery,
): Promise<OpenRoutes> {
  const objects = kubeConfig.makeApiClient(CustomObjectsApi);
  const where = { group: GROUP, version: VERSION, plural: PLURAL };
  const followed = new Followed({
    kubeConfig,
    path: `/apis/${GROUP}/${VERSION}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${PLURAL}`,
    what: WHAT,
    list: () =>
      namespace === undefined
        ? objects.listCustomObjectForAllNamespaces(where)
        : objects.listNamespacedCustomObject({ ...where, namespace }),
    log,
  });
  await followed.open();
  await discovery.lookBehind(openOnes(followed.list() as unknown as readonly RouteObject[]));
  return (listener) => new KubernetesRoutes({ ...listener, followed, discovery, objects, log });
}

export class KubernetesRoutes implements RouteSource {
  private readonly options: KubernetesRoutesOptions;
  private judged: readonly Acceptance[] = [];
  private inForce = '';
  private timer: NodeJS.Timeout | undefined;
  private discoveredTimer: NodeJS.Timeout | undefined;
  private readonly written = new Map<string, Written>();
  private writing: Promise<void> | undefined;
  private isStatusBroken = false;

  constructor(options: KubernetesRoutesOptions) {
    this.options = options;
  }

  start(): readonly AdaptiveRoute[] {
    const routes = this.judge();
    this.inForce = JSON.stringify(routes);
    const { followed, discovery } = this.options;
    followed.onChange = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.reload(), STILL_MS);
    };
    discovery.onChange = () => {
      if (!this.judged.some(({ object }) => isOpen(object))) return;
      this.discoveredTimer ??= setTimeout(() => {
        this.discoveredTimer = undefined;
        this.reload();
      }, DISCOVERED_MS);
    };
    return routes;
  }

  reload(): void {
    const routes = this.judge();
    const text = JSON.stringify(routes);
    if (text === this.inForce) return;
    this.inForce = text;
    this.options.onChange(routes);
  }

  remembered(): readonly Remembered[] {
    return this.judged.flatMap((acceptance) => {
      try {
        return rememberedOf(acceptance) ?? [];
      } catch (error) {
        const route = nameOf(acceptance.object);
        const message = `the status of AdaptiveRoute ${route} cannot be gone on with: ${(error as Error).message}; it starts from its route`;
        this.options.log.warn({ event: 'state_ignored', route }, message);
        return [];
      }
    });
  }

  tell(news: () => RouteNews): void {
    if (this.writing || this.judged.length === 0) return;
    this.writing = this.writeStatuses(news(), STATUS_EVERY_MS).finally(() => {
      this.writing = undefined;
    });
  }

  async close(news?: () => RouteNews): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.discoveredTimer);
    this.options.followed.close();
    this.options.discovery.close();
    await this.writing;
    if (news && this.judged.length > 0) await this.writeStatuses(news(), 0);
  }

  private judge(): readonly AdaptiveRoute[] {
    const { followed, discovery, onRefused } = this.options;
    const before = new Map(this.judged.flatMap(({ object, route }) => (route ? [[object.metadata.uid, route]] : [])));
    const known = new Map(this.judged.map(({ object, message }) => [object.metadata.uid, message]));
    // The definition's schema has let nothing else in; the client's types have a Date where there is text.
    const objects = followed.list() as unknown as readonly RouteObject[];
    // What is new is told of when it is listed.
    void discovery.lookBehind(openOnes(objects));
    this.judged = acceptAll(objects, before, (route) => discovery.backendsOf(route));
    for (const { object, reason, message } of this.judged) {
      if (reason !== 'Valid' && known.get(object.metadata.uid) !== message) {
        onRefused(new RouteError([`AdaptiveRoute ${nameOf(object)}: ${message}`]));
      }
    }
    return this.judged.flatMap(({ route }) => route ?? []);
  }

  private async writeStatuses(news: RouteNews, everyMs: number): Promise<void> {
    const uids = new Set(this.judged.map(({ object }) => object.metadata.uid));
    for (const uid of this.written.keys()) if (!uids.has(uid)) this.written.delete(uid);
    for (const acceptance of this.judged) {
      const { object, route } = acceptance;
      const last = this.written.get(object.metadata.uid);
      const holds = holdsIn(route && news.saved(serviceOf(route)));
      if (last?.holds === holds && news.wallMs - last.atMs < everyMs) continue;
      const status = statusOf(acceptance, news);
      if (isDeepStrictEqual(last?.status ?? object.status, status)) continue;
      if (await this.write(object, status)) this.written.set(object.metadata.uid, { atMs: news.wallMs, holds, status });
    }
  }

  private async write({ apiVersion, kind, metadata }: RouteObject, status: RouteStatus): Promise<boolean> {
    const { name, namespace } = metadata;
    const { objects, log } = this.options;
    try {
      await objects.patchNamespacedCustomObjectStatus(
        {
          ...{
            group: GROUP,
            version: VERSION,
            plural: PLURAL,
            namespace,
            name,
            fieldManager: FIELD_MANAGER,
            force: true,
          },
          body: { apiVersion, kind, metadata: { name, namespace }, status },
        },
        setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
      );
      this.isStatusBroken = false;
      return true;
    } catch (error) {
      // Deleted meanwhile: the watch will say so.
      if (codeOf(error) === 404) return false;
      if (!this.isStatusBroken) {
        log.warn(
          { event: 'status_not_written', err: error },
          `${sayFailure(error, `the status of ${WHAT}`)}; steering goes on`,
        );
      }
      this.isStatusBroken = true;
      return false;
    }
  }
}

/** Whether it leaves its backends to the API server. */
function isOpen({ spec }: RouteObject): boolean {
  return (spec as { backendsFrom?: unknown } | undefined)?.backendsFrom !== undefined;
}

/** Those that do, as far as they can be read. */
function openOnes(objects: readonly RouteObject[]): readonly AdaptiveRoute[] {
  return objects.filter(isOpen).flatMap(({ apiVersion, kind, metadata: { name, namespace }, spec }) => {
    const { route } = readRoute({ apiVersion, kind, metadata: { name, namespace }, spec });
    return route ?? [];
  });
}

/** What people hold still of a service, as text to compare. */
function holdsIn(saved: SavedService | undefined): string {
  return JSON.stringify([saved?.frozen, saved?.groups.map(({ name, pinned }) => [name, pinned])]);
}
