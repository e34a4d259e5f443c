/**
 * The demo mesh with a fault in each minute: 2 s after it began a backend breaks, 20 s later it is healed, and the rest of the
 * minute is for its share to come back. Backends of steered services take turns, first those that stand first in each
 * service; kinds of fault alternate. Three kinds and the demo's eleven backends meet each other once in 33 minutes. Pure.
 */
import { madeRoutes } from '../../deploy/local/scenario/routes.ts';
import type { Change, Event, Scenario } from '../../deploy/local/scenario/schema.ts';

export const BREAK_AT_S = 2;
export const BROKEN_S = 20;
const MINUTE_S = 60;
/** A backend is compared with its own past, so it needs one before the first fault. */
const WARMUP_S = 30;

export type Kind = 'slow' | 'errors' | 'both';

const CHANGES: Readonly<Record<Kind, Change>> = {
  slow: { serviceTimeMultiplier: 8 },
  errors: { errorRatio: 0.9 },
  both: { errorRatio: 0.9, serviceTimeMultiplier: 4 },
};
const KINDS: readonly Kind[] = ['slow', 'errors', 'both'];

export interface PlannedFault {
  /** service/backend */
  readonly backend: string;
  readonly kind: Kind;
}

/** @param scenario one whose steered services have `route` or `steered`; its own events are left out */
export function planFaults(scenario: Scenario, minutes: number): readonly PlannedFault[] {
  const backends = inTurn(scenario);
  return Array.from({ length: minutes }, (_, minute) => ({
    backend: backends[minute % backends.length] ?? '',
    kind: KINDS[minute % KINDS.length] ?? 'slow',
  }));
}

export function soakScenario(scenario: Scenario, faults: readonly PlannedFault[]): Scenario {
  const events = faults.flatMap(({ backend, kind }, minute): Event[] => {
    const atS = minute * MINUTE_S + BREAK_AT_S;
    return [
      { atS, backend, change: CHANGES[kind] },
      { atS: atS + BROKEN_S, backend, heal: true },
    ];
  });
  return { ...scenario, name: 'soak', durationS: faults.length * MINUTE_S, warmupS: WARMUP_S, events };
}

function inTurn(scenario: Scenario): string[] {
  const steered = madeRoutes(scenario).flatMap(({ index }) => scenario.services[index] ?? []);
  const most = Math.max(...steered.map(({ backends }) => backends.length));
  return Array.from({ length: most }, (_, i) =>
    steered.flatMap(({ name, backends }) => (backends[i] ? [`${name}/${backends[i].name}`] : [])),
  ).flat();
}
