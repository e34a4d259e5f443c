/** Whether enough was measured lately to propose anything. Relief has its own rules of evidence. */
import { shareOf } from '../decide/weights.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import type { Group } from '../steer/service.ts';

/**
 * A backend with an equal part of the requests must have had `minRequests`; one with less in proportion, since a backend
 * that gets 2 % would otherwise keep its service from ever improving.
 * @returns what is missing, or nothing
 */
export function whyTooFew(
  { spec: { backends } }: AdaptiveRoute,
  { lanes, weights }: Pick<Group, 'lanes' | 'weights'>,
  minRequests: number,
): string | undefined {
  for (const { name } of backends) {
    const calls = lanes.get(name)?.recent.calls ?? 0;
    const needed = minRequests * Math.min(1, shareOf(weights, name) * backends.length);
    if (calls < needed) return `${name} had ${Math.floor(calls)} calls lately, ${Math.ceil(needed)} are needed`;
  }
  return undefined;
}
