/** What is foreseen for one caller group: zones by themselves, and the group '*' for all that have no group of their own. Pure. */
import { EVERYBODY, type Group, type Service } from './service.ts';

/** Calls per second, nearest window first, by the zone of the callers. */
export type ByZone = ReadonlyMap<string, readonly number[]>;

export function foreseenFor(
  service: Pick<Service, 'groups'>,
  { name }: Pick<Group, 'name'>,
  byZone: ByZone | undefined,
): readonly number[] {
  if (!byZone) return [];
  if (name !== EVERYBODY) return byZone.get(name) ?? [];
  const sum: number[] = [];
  for (const [zone, loadRps] of byZone) {
    if (service.groups.has(zone)) continue;
    for (const [window, rps] of loadRps.entries()) sum[window] = (sum[window] ?? 0) + rps;
  }
  return sum;
}
