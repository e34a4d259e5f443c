/**
 * The guard rails that every improvement passes, learned or not, in order; the first that refuses says why. Relief passes
 * the freezes and the pins only: a rescue that waits is none.
 */
import type { Group, Service } from '../steer/service.ts';
import { whyTooFew } from './evidence.ts';

export type Refusal = string | undefined;

/** Why no improvement may be proposed for the group now, or nothing. */
export function whyNotImprove(service: Service, group: Group, nowMs: number): Refusal {
  const { mode, guard, backends } = service.route.spec;
  const steps: readonly (() => Refusal)[] = [
    () => (mode === 'observe' ? 'the route says observe' : undefined),
    () => (backends.length < 2 ? 'there is one backend' : undefined),
    () => (group.pinned ? `pinned by ${group.pinned.by}` : undefined),
    () => (group.trial ? `trial ${group.trial.id} runs` : undefined),
    () => whyUnwell(group),
    () =>
      nowMs < group.quietUntilMs ? `cooling down for ${Math.ceil((group.quietUntilMs - nowMs) / 1_000)} s` : undefined,
    () => whyTooFew(service.route, group, guard.minRequests),
  ];
  for (const step of steps) {
    const refusal = step();
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** While something is wrong the figures are of the fault and not of the weights. */
function whyUnwell({ lanes }: Group): Refusal {
  for (const [name, { relief, suspectSinceMs }] of lanes) {
    if (relief) return `${name} is relieved`;
    if (suspectSinceMs !== undefined) return `${name} looks worse than its past`;
  }
  return undefined;
}
