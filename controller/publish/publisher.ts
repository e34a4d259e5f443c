/**
 * Keeps a place (a cluster, a folder) in step with the routes in force: writes what is new, follows the tables with the plain
 * weights, now and then, and takes away what no route asks for any more. Filters steer by tables and not by what is written here, so
 * nothing waits for it, and whatever fails is said on the route and tried again.
 */
import type { Weights } from '../decide/policy.ts';
import { largestMove, shareOf } from '../decide/weights.ts';
import { isWritable, type Manifest, manifestsOf } from '../generate/manifests.ts';
import type { Log } from '../log.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import type { PublishNews } from '../routes/source.ts';
import { InTheWay, keyOf, type Orphan, type Place } from './place.ts';
import type { Plan } from './plan.ts';

/** How often it is looked whether something is to be written. */
const LOOK_EVERY_MS = 5_000;
/** Plain weights serve only where a filter does not; each change of them is a push of the whole mesh's control plane. */
const FOLLOW_EVERY_MS = 60_000;
/** A smaller change of a share is not worth that push. */
const LEAST_MOVE = 0.05;
/** Written again though nothing changed, should somebody have taken it away. */
const REPAIR_EVERY_MS = 600_000;
const RETRY_MS = 15_000;
/** Proxies have let go of a route before what it names goes. */
export const LET_GO_MS = 10_000;

export type PublishResult = 'written' | 'refused' | 'failed' | 'removed';

export interface PublisherOptions {
  readonly place: Place;
  readonly log: Log;
  readonly count: (result: PublishResult) => void;
  /** Says what an error means. */
  readonly explain: (error: unknown) => string;
}

interface Entry {
  readonly route: AdaptiveRoute;
  readonly weights: Weights;
  readonly triedMs: number;
  /** Whether nothing is left to be done. */
  readonly isWritten: boolean;
  readonly state: PublishNews;
}

export class Publisher {
  private readonly options: PublisherOptions;
  private readonly entries = new Map<string, Entry>();
  private readonly orphanedMs = new Map<string, number>();
  private mayHaveOrphans = true;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private round: Promise<void> | undefined;
  private isClearingBroken = false;
  private isClosed = false;

  constructor(options: PublisherOptions) {
    this.options = options;
  }

  /** Called after each window. Plans cost something, so they are made only when they are looked at. */
  tell(plans: () => readonly Plan[], nowMs: number): void {
    if (this.round || this.isClosed || nowMs - this.lookedMs < LOOK_EVERY_MS) return;
    this.lookedMs = nowMs;
    this.round = this.look(plans(), nowMs).finally(() => {
      this.round = undefined;
    });
  }

  /** The next window looks, however short ago that was: routes have changed. */
  hurry(): void {
    this.lookedMs = Number.NEGATIVE_INFINITY;
  }

  /** Undefined: it has not been looked at yet. */
  stateOf(key: string): PublishNews | undefined {
    return this.entries.get(key)?.state;
  }

  /** Ends once what is being written is. What was published stays: it is what serves when Weir is gone. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.round;
  }

  private async look(plans: readonly Plan[], nowMs: number): Promise<void> {
    const kept = new Set(plans.map(({ route }) => keyOf(route)));
    for (const key of this.entries.keys()) {
      if (kept.has(key)) continue;
      this.entries.delete(key);
      this.mayHaveOrphans = true;
    }
    for (const plan of plans) {
      if (this.isClosed) return;
      const before = this.entries.get(keyOf(plan.route));
      const entry = await this.see(plan, before, nowMs);
      if (!entry) continue;
      // A route that has changed may ask for less than before.
      if (before && !isSameRoute(before.route, plan.route)) this.mayHaveOrphans = true;
      this.entries.set(keyOf(plan.route), entry);
    }
    if (this.mayHaveOrphans && !this.isClosed) await this.clear(plans, nowMs);
  }

  /** @returns nothing where all stays as it is */
  private async see({ route, weights }: Plan, last: Entry | undefined, nowMs: number): Promise<Entry | undefined> {
    if (last && !isDue(route, weights, last, nowMs)) return undefined;
    const { place, log, count, explain } = this.options;
    const key = keyOf(route);
    const entry = (isWritten: boolean, state: PublishNews): Entry => {
      const isNews = last?.state.message !== state.message;
      if (isNews && state.isThere) log.info({ event: 'published', route: key }, `${key}: ${state.message}`);
      if (isNews && !state.isThere) log.warn({ event: 'not_published', route: key }, `${key}: ${state.message}`);
      return { route, weights, triedMs: nowMs, isWritten, state };
    };
    try {
      const manifests = manifestsOf(route, weights);
      if (!isWritable(route)) {
        const message = 'fewer than two of its backends are subsets that Istio knows by their names';
        return entry(true, { isThere: true, reason: 'NothingToWrite', message });
      }
      const isWhole = await place.put({ route, weights }, manifests);
      count('written');
      return entry(isWhole, {
        isThere: true,
        reason: 'Published',
        message: sayWritten(route, manifests, weights, place.name),
      });
    } catch (error) {
      if (error instanceof InTheWay) {
        count('refused');
        return entry(false, { isThere: false, reason: error.reason, message: error.message });
      }
      count('failed');
      return entry(false, { isThere: false, reason: 'Failing', message: `${explain(error)}; it is tried again` });
    }
  }

  private async clear(plans: readonly Plan[], nowMs: number): Promise<void> {
    const { place, log, count, explain } = this.options;
    try {
      const orphans = await place.orphans(plans.map(({ route }) => route));
      const names = new Set(orphans.map(({ name }) => name));
      for (const name of this.orphanedMs.keys()) if (!names.has(name)) this.orphanedMs.delete(name);
      for (const orphan of orphans) {
        if (!this.mayGo(orphan, orphans, nowMs)) continue;
        await orphan.remove();
        count('removed');
        log.info({ event: 'withdrawn', object: orphan.name }, `${orphan.name} is gone: no route asks for it`);
      }
      this.mayHaveOrphans = orphans.length > 0;
      this.isClearingBroken = false;
    } catch (error) {
      count('failed');
      if (!this.isClearingBroken) {
        log.warn(
          { event: 'not_withdrawn', err: error },
          `${explain(error)}; what no route asks for stays there for now, it is tried again`,
        );
      }
      this.isClearingBroken = true;
    }
  }

  /** Who is named by others goes after them, and after proxies have heard that they are gone. */
  private mayGo({ name, isNamedByOthers }: Orphan, orphans: readonly Orphan[], nowMs: number): boolean {
    if (!isNamedByOthers) return true;
    if (orphans.some((other) => !other.isNamedByOthers)) {
      this.orphanedMs.set(name, nowMs);
      return false;
    }
    const sinceMs = this.orphanedMs.get(name);
    if (sinceMs === undefined) this.orphanedMs.set(name, nowMs);
    return sinceMs !== undefined && nowMs - sinceMs >= LET_GO_MS;
  }
}

function isDue(route: AdaptiveRoute, weights: Weights, last: Entry, nowMs: number): boolean {
  if (!isSameRoute(route, last.route)) return true;
  const agoMs = nowMs - last.triedMs;
  if (!last.isWritten) return agoMs >= RETRY_MS;
  if (agoMs >= REPAIR_EVERY_MS) return true;
  return agoMs >= FOLLOW_EVERY_MS && largestMove(last.weights, weights) >= LEAST_MOVE;
}

function isSameRoute(a: AdaptiveRoute, b: AdaptiveRoute): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sayWritten({ spec }: AdaptiveRoute, manifests: readonly Manifest[], weights: Weights, place: string): string {
  const objects = spec.adopt
    ? `what steering needs is in VirtualService ${spec.adopt.virtualService}, adopted, and in what it names`
    : manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(' and ');
  const shares = Object.keys(weights).map((name) => `${name} ${Math.round(shareOf(weights, name) * 1_000) / 10} %`);
  return `${objects} are in ${place}, plain route ${shares.join(', ')}`;
}
