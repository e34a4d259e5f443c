/** Whether weights must stay as they are, relief included: a person froze them, or the route has a window for now. */
import type { AdaptiveRoute } from '../routes/route.ts';
import type { Hold } from '../steer/service.ts';

/** Why they are frozen, or nothing. @param wallMs wall clock, ms since 1970: freeze windows are instants of people's calendars */
export function whyFrozen({ spec }: AdaptiveRoute, frozen: Hold | undefined, wallMs: number): Hold | undefined {
  if (frozen) return frozen;
  for (const { from, to, reason } of spec.guard.freezes) {
    const sinceWallMs = Date.parse(from);
    if (wallMs >= sinceWallMs && wallMs < Date.parse(to)) {
      return { by: 'route', why: reason ?? `the route has a freeze window from ${from} to ${to}`, sinceWallMs };
    }
  }
  return undefined;
}
