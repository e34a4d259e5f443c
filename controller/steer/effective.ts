/** The weights that filters draw by: the stable ones, with relieved backends held down and the others sharing what they lose. */
import { boundShares } from '../decide/bounds.ts';
import type { Weights } from '../decide/policy.ts';
import { shareOf, toWeights } from '../decide/weights.ts';
import type { AdaptiveRoute, Backend } from '../routes/route.ts';
import { trialShareOf } from '../trial/trial.ts';
import type { ServiceTable } from '../wire/messages.ts';
import { WEIGHT_TOTAL } from '../wire/messages.ts';
import type { Group, Service } from './service.ts';

export function effectiveWeights(group: Group, { spec }: AdaptiveRoute): Weights {
  const held = new Map<string, number>();
  for (const [name, { relief }] of group.lanes) {
    if (relief && relief.share < shareOf(group.weights, name)) held.set(name, relief.share);
  }
  if (held.size === 0 || held.size >= spec.backends.length) return group.weights;
  const taken = [...held.values()].reduce((sum, share) => sum + share, 0);
  const others = spec.backends.filter(({ name }) => !held.has(name));
  const rest = others.reduce((sum, { name }) => sum + shareOf(group.weights, name), 0);
  const wanted = new Map(
    spec.backends.map(({ name }) => {
      const part = rest > 0 ? shareOf(group.weights, name) / rest : 1 / others.length;
      return [name, held.get(name) ?? part * (1 - taken)];
    }),
  );
  const bounds = spec.backends.map(({ name, minShare, maxShare }) => {
    const share = held.get(name);
    return share === undefined ? { name, minShare, maxShare } : { name, minShare: share, maxShare: share };
  });
  return toWeights(boundShares(wanted, bounds));
}

/** What agents are told of one group; nothing where Weir only looks on. */
export function tableOf({ name, route }: Service, group: Group): ServiceTable | undefined {
  const { spec } = route;
  if (spec.mode !== 'enforce') return undefined;
  const weights = effectiveWeights(group, route);
  const { trial } = group;
  return {
    service: name,
    group: group.name,
    draw: spec.draw,
    trialId: trial?.id ?? 0,
    trialShare: trial ? Math.round(trialShareOf(trial) * WEIGHT_TOTAL) : 0,
    backends: spec.backends.map((backend) => {
      const weight = weights[backend.name] ?? 0;
      const trialWeight = trial ? (trial.to[backend.name] ?? 0) : weight;
      const takesOver = mayTakeOver(group, backend);
      return { name: backend.name, cluster: backend.cluster, weight, trialWeight, ...(takesOver ? { takesOver } : {}) };
    }),
    entryClusters: spec.entryClusters,
  };
}

/** Whether a crowd at another backend may spill to it: not where it is relieved, or a person has bounded or pinned shares. */
function mayTakeOver({ pinned, lanes }: Group, { name, maxShare }: Backend): boolean {
  return pinned === undefined && maxShare === 1 && lanes.get(name)?.relief === undefined;
}
