/** How far a proposal may go: inside every backend's bounds and no further than one step from where the weights are. */
import { boundShares } from '../decide/bounds.ts';
import type { Weights } from '../decide/policy.ts';
import { isSame, largestMove, shareOf, toWeights } from '../decide/weights.ts';
import type { AdaptiveRoute } from '../routes/route.ts';

export interface Limited {
  readonly weights: Weights;
  /** Part of the way to the wanted weights, 0 to 1. */
  readonly part: number;
  /** What held it back, as the end of a sentence; absent where nothing did. */
  readonly note?: string;
}

export function limit(from: Weights, wanted: Weights, { spec }: AdaptiveRoute): Limited {
  const { backends, guard } = spec;
  const wish = new Map(backends.map(({ name }) => [name, shareOf(wanted, name)]));
  const bounded = toWeights(boundShares(wish, backends));
  const boundNote = isSame(bounded, wanted) ? [] : ['held by the bounds of the route'];
  const move = largestMove(from, bounded);
  const part = move > guard.maxStep ? guard.maxStep / move : 1;
  const stepNote = part < 1 ? [`held to a step of ${Math.round(guard.maxStep * 100)} %`] : [];
  const notes = [...boundNote, ...stepNote];
  const shares = new Map(
    backends.map(({ name }) => [name, shareOf(from, name) + part * (shareOf(bounded, name) - shareOf(from, name))]),
  );
  return {
    weights: part < 1 ? toWeights(shares) : bounded,
    part,
    ...(notes.length > 0 ? { note: notes.join(', ') } : {}),
  };
}
