/** A scenario stretched or squeezed to another duration. Pure. */
import type { Load, Phase } from './load-schema.ts';
import type { Scenario } from './schema.ts';

/** Every time in s follows the duration (events, phases, waves, CSV rows); service times, latencies and the warm-up stay. */
export function scaleTo(scenario: Scenario, durationS: number): Scenario {
  const factor = durationS / scenario.durationS;
  return {
    ...scenario,
    durationS,
    events: scenario.events.map((event) => ({ ...event, atS: event.atS * factor })),
    load: scenario.load.map((load) => scaleLoad(load, factor)),
  };
}

function scaleLoad(load: Load, factor: number): Load {
  return {
    ...load,
    ...(load.phases ? { phases: load.phases.map((phase) => scalePhase(phase, factor)) } : {}),
    ...(load.csv ? { csv: { ...load.csv, speedUp: load.csv.speedUp / factor } } : {}),
  };
}

function scalePhase(phase: Phase, factor: number): Phase {
  return {
    ...phase,
    ...(phase.forS === undefined ? {} : { forS: phase.forS * factor }),
    ...(phase.everyS === undefined ? {} : { everyS: phase.everyS * factor }),
    ...(phase.periodS === undefined ? {} : { periodS: phase.periodS * factor }),
  };
}
