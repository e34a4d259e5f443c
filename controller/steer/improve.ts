/**
 * Improvement: what the policy wants, through the guard rails, into a trial (or into the log, where the route asks for
 * recommendations). A wish that would gain too little to be shown by the calls of one trial is not tried: an undecided
 * trial costs as much as a decided one and says nothing.
 */

import type { Policy, ServiceView, Weights } from '../decide/policy.ts';
import { milliseconds, rounded } from '../decide/say.ts';
import { largestMove, shareOf } from '../decide/weights.ts';
import { whyNotImprove } from '../guard/guard.ts';
import { limit } from '../guard/limits.ts';
import { effectiveCountFor } from '../trial/sequence.ts';
import { ASK_EVERY_MS, type Group, type Service, type Steps } from './service.ts';
import { beginTrial, type Wish } from './try-out.ts';
import { contrastVariance, viewOf } from './view.ts';

/** Smaller moves than this part of the requests are noise. */
const LEAST_MOVE = 0.02;
/** Gains smaller than this part of the present loss are not worth a trial. */
const LEAST_GAIN = 0.03;
/** Part of the predicted gain that must be the calls' own, and not from shorter queues for everybody, for arms to show it. */
const OWN_PART = 0.5;

/** @param forecastRps what the agents foresee for the group */
export function improve(
  service: Service,
  group: Group,
  policy: Policy,
  forecastRps: readonly number[],
  steps: Steps,
): void {
  const { nowMs } = steps.at;
  if (nowMs < group.askAtMs || whyNotImprove(service, group, nowMs) !== undefined) return;
  group.askAtMs = nowMs + ASK_EVERY_MS;
  const view = viewOf(service, group, forecastRps, nowMs);
  const proposal = policy.propose(view);
  const { weights: to, part, note } = limit(group.weights, proposal.weights, service.route);
  if (largestMove(group.weights, to) < LEAST_MOVE) return;
  const presentLossMs = lossBy(group.weights, view);
  const predictedLossMs =
    proposal.predictedLossMs === undefined
      ? undefined
      : presentLossMs + part * (proposal.predictedLossMs - presentLossMs);
  const gainMs = presentLossMs - (predictedLossMs ?? presentLossMs);
  const wish: Wish = {
    to,
    // What both arms wait in is shared; only a gain that the arms do not share can be seen between them.
    isShared: predictedLossMs !== undefined && presentLossMs - lossBy(to, view) < OWN_PART * gainMs,
    by: policy.name,
    reason: note === undefined ? proposal.reason : `${proposal.reason}; ${note}`,
    predictedLossMs,
    presentLossMs,
  };
  if (predictedLossMs !== undefined && !isWorthwhile(service, group, wish, view.loadRps)) return;
  if (service.route.spec.mode === 'recommend') recommend(service, group, wish, steps);
  else beginTrial(service, group, wish, steps);
}

/** Whether the gain matters, and whether one trial could show it. */
function isWorthwhile(service: Service, group: Group, wish: Wish, loadRps: number): boolean {
  const gainMs = wish.presentLossMs - (wish.predictedLossMs ?? wish.presentLossMs);
  if (gainMs < LEAST_GAIN * wish.presentLossMs || gainMs <= 0) return false;
  if (wish.isShared) return true;
  const varianceMs2 = contrastVariance(service, group, group.weights, wish.to);
  return effectiveCountFor(Math.sqrt(varianceMs2), gainMs) <= loadRps * service.route.spec.trial.maxDurationS;
}

function recommend(service: Service, group: Group, wish: Wish, steps: Steps): void {
  if (group.recommended && largestMove(group.recommended, wish.to) < LEAST_MOVE) return;
  group.recommended = wish.to;
  group.quietUntilMs = steps.at.nowMs + service.route.spec.guard.cooldownS * 1_000;
  steps.decide({
    atMs: steps.at.wallMs,
    kind: 'recommendation',
    service: service.name,
    group: group.name,
    by: wish.by,
    from: group.weights,
    to: wish.to,
    why: wish.reason,
    ...(wish.predictedLossMs === undefined ? {} : { predictedLossMs: wish.predictedLossMs }),
    evidence: { presentLossMs: rounded(wish.presentLossMs), present: milliseconds(wish.presentLossMs) },
  });
}

/** Mean loss of a call by these weights, as the figures stand, ms. Backends without calls count as the mean of the others. */
function lossBy(weights: Weights, { backends }: ServiceView): number {
  const known = backends.filter(({ callCount }) => callCount > 0);
  if (known.length === 0) return 0;
  const meanMs = known.reduce((sum, { lossMs }) => sum + lossMs, 0) / known.length;
  return backends.reduce(
    (sum, each) => sum + shareOf(weights, each.name) * (each.callCount > 0 ? each.lossMs : meanMs),
    0,
  );
}
