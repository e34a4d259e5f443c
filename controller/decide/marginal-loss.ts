/**
 * Weights of equal marginal loss: each next part of the requests goes where it adds least, its own latency and the wait that it
 * makes for everybody else there counted. So calls stay where they are fastest until queues make the next one dearer there
 * than elsewhere, and no backend gets a share for merely being there.
 *
 * What a call costs at another load comes from the analytic predictor (predict/queueing.ts); failures, crossing of zones and
 * whatever else is not a queue are taken to stay as they are. The sum of convex costs is least where parts are dealt
 * out one by one to the cheapest, so that is what is done, PARTS times.
 */
import { type Queue, queueFrom, waitAt } from '../predict/queueing.ts';
import { boundShares } from './bounds.ts';
import type { BackendView, Policy, ServiceView } from './policy.ts';
import { milliseconds, percent } from './say.ts';
import { toWeights } from './weights.ts';

const PARTS = 200;
/** Figures are cut off here: a billion requests a second, or milliseconds, is a broken measurement. */
const MOST = 1e9;
/** Part of the way to the best shares of the model in one proposal: a model that is half right then does not swing. */
const TRUST = 0.6;
/**
 * Further than that is gone where a model with but this part of the inferred slots wants it too: a backend that neither needs
 * is left at once.
 */
const SURE_PART_OF_SLOTS = 0.7;

interface Option {
  readonly backend: BackendView;
  readonly queue: Queue;
  /** Loss of a call that does not wait, ms. */
  readonly idleLossMs: number;
  /** Calls per second of the other groups, which stay. */
  readonly othersRps: number;
}

export const marginalLoss: Policy = {
  name: 'marginal-loss',
  propose(view) {
    const { backends } = view;
    const known = backends.filter(({ callCount }) => callCount > 0);
    const present = new Map(backends.map(({ name, weight }) => [name, weight]));
    if (known.length === 0 || view.loadRps <= 0) {
      return {
        weights: toWeights(boundShares(normal(present), backends)),
        reason: 'no call was measured yet, so the weights stay',
      };
    }
    const options = known.map(optionOf);
    const best = deal(options, view);
    const cautious = deal(options.map(withFewerSlots), view);
    const shares = new Map(
      backends.map(({ name, weight }) => {
        return [name, next(weight / 10_000, best.get(name) ?? 0, cautious.get(name) ?? 0)];
      }),
    );
    const bounded = boundShares(shares, backends);
    const predictedLossMs = options.reduce((sum, option) => {
      const share = bounded.get(option.backend.name) ?? 0;
      return sum + share * lossAt(option, share * sane(view.loadRps));
    }, 0);
    return { weights: toWeights(bounded), reason: reasonFor(options, best), predictedLossMs };
  },
};

function optionOf(backend: BackendView): Option {
  const queueMs = sane(backend.queueMs);
  const totalLoadRps = sane(backend.totalLoadRps);
  return {
    backend,
    queue: queueFrom(totalLoadRps, sane(backend.serviceMs), queueMs),
    idleLossMs: Math.max(0, sane(backend.lossMs) - queueMs),
    othersRps: Math.max(0, totalLoadRps - sane(backend.loadRps)),
  };
}

function next(now: number, best: number, cautious: number): number {
  const trusted = now + TRUST * (best - now);
  const agreed = Math.min(Math.max(now, Math.min(best, cautious)), Math.max(best, cautious));
  return Math.abs(agreed - now) > Math.abs(trusted - now) ? agreed : trusted;
}

function withFewerSlots(option: Option): Option {
  const { queue } = option;
  return { ...option, queue: { ...queue, slots: queue.slots * SURE_PART_OF_SLOTS } };
}

/** A figure that arithmetic can be done with: what is no number is 0, what has no end is a lot. */
function sane(figure: number): number {
  return figure > 0 ? Math.min(figure, MOST) : 0;
}

/** Shares by which parts were dealt out, 0 to 1. */
function deal(options: readonly Option[], { loadRps }: ServiceView): ReadonlyMap<string, number> {
  const partRps = sane(loadRps) / PARTS;
  // By name, so that ties do not go by the order in which backends are listed.
  const inOrder = [...options].sort((a, b) => (a.backend.name < b.backend.name ? -1 : 1));
  const dealt = inOrder.map((option) => ({ option, parts: 0, cost: costAt(option, 0) }));
  for (let part = 0; part < PARTS; part++) {
    let cheapest: (typeof dealt)[number] | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const each of dealt) {
      const adds = costAt(each.option, (each.parts + 1) * partRps) - each.cost;
      // Of two that cost the same the one with less gets the part.
      if (adds > least || (adds === least && cheapest && each.parts >= cheapest.parts)) continue;
      least = adds;
      cheapest = each;
    }
    if (!cheapest) break;
    cheapest.parts += 1;
    cheapest.cost = costAt(cheapest.option, cheapest.parts * partRps);
  }
  return new Map(dealt.map(({ option, parts }) => [option.backend.name, parts / PARTS]));
}

/** What the group's calls there cost in all, and the others' waiting with them: ms a second. */
function costAt(option: Option, ownRps: number): number {
  const { othersRps, queue, idleLossMs } = option;
  const waitMs = waitAt(queue, othersRps + ownRps);
  return ownRps * (idleLossMs + waitMs) + othersRps * waitMs;
}

/** Loss of one call of the group at a load of the group, ms. */
function lossAt({ queue, othersRps, idleLossMs }: Option, ownRps: number): number {
  return idleLossMs + waitAt(queue, othersRps + ownRps);
}

function normal(weights: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...weights].map(([name, weight]) => [name, weight / 10_000]));
}

function reasonFor(options: readonly Option[], best: ReadonlyMap<string, number>): string {
  const figures = options.map(({ backend, idleLossMs, queue }) => {
    const { name, queueMs, totalLoadRps, serviceMs } = backend;
    const busy = (totalLoadRps * serviceMs) / 1_000 / queue.slots;
    const room = Number.isFinite(queue.slots) && queue.slots > 0 ? `, ${percent(Math.min(1, busy))} busy` : '';
    return `${name} ${milliseconds(idleLossMs)} and ${milliseconds(queueMs)} of queue${room}, best ${percent(best.get(name) ?? 0)}`;
  });
  return `the next call costs least by these shares: ${figures.join('; ')}`;
}
