/** The requests per second that a load asks for over a run. Pure. */
import type { Load, Phase, RateFile } from '../scenario/load-schema.ts';
import type { Scenario } from '../scenario/schema.ts';

/** Rates are given for steps of this length. */
export const STEP_S = 0.1;

/**
 * One value in requests per second for each step of STEP_S from second 0.
 * @param rows of the request-rate file, when the load has one
 */
export function rateSteps(scenario: Scenario, load: Load, rows: readonly number[]): number[] {
  const steps = Math.ceil(scenario.durationS / STEP_S);
  // The middle of each step.
  const times = Array.from({ length: steps }, (_, i) => (i + 0.5) * STEP_S);
  const asked = load.csv ? played(load.csv, rows, times) : times.map((atS) => phasesRps(load.phases ?? [], atS));
  return asked.map((rps, i) => Math.max(0, rps * multiplier(scenario, load, times[i] ?? 0)));
}

/** What a request-rate file says at those times; one that is over begins again. */
function played(file: RateFile, rows: readonly number[], times: readonly number[]): number[] {
  const values = times.map((atS) => {
    const fileS = file.offsetS + atS * file.speedUp;
    return rows[Math.floor(fileS / file.intervalS) % rows.length] ?? 0;
  });
  const factor = scaleOf(file, values);
  return values.map((value) => value * factor);
}

function scaleOf({ scale, meanRps, peakRps }: RateFile, values: readonly number[]): number {
  const target = meanRps ?? peakRps;
  if (target === undefined) return scale ?? 1;
  const sum = values.reduce((total, value) => total + value, 0);
  const own = meanRps === undefined ? values.reduce((high, value) => Math.max(high, value), 0) : sum / values.length;
  // A part in which nothing happens cannot be scaled to anything.
  return own === 0 ? 0 : target / own;
}

function phasesRps(phases: readonly Phase[], atS: number): number {
  let sinceS = atS;
  for (const phase of phases) {
    if (phase.forS === undefined || sinceS < phase.forS) return phaseRps(phase, sinceS);
    sinceS -= phase.forS;
  }
  return 0;
}

function phaseRps(phase: Phase, sinceS: number): number {
  switch (phase.kind) {
    case 'constant':
      return phase.rps ?? 0;
    case 'ramp':
      return (phase.fromRps ?? 0) + ((phase.toRps ?? 0) - (phase.fromRps ?? 0)) * (sinceS / (phase.forS ?? 1));
    case 'steps': {
      const values = phase.stepsRps ?? [];
      return values[Math.min(Math.floor(sinceS / (phase.everyS ?? 1)), values.length - 1)] ?? 0;
    }
    case 'sine':
      return (phase.meanRps ?? 0) + (phase.amplitudeRps ?? 0) * Math.sin((2 * Math.PI * sinceS) / (phase.periodS ?? 1));
  }
}

function multiplier(scenario: Scenario, load: Load, atS: number): number {
  const past = scenario.events.filter(
    (event) => event.load && event.atS <= atS && (event.load.zone === undefined || event.load.zone === load.zone),
  );
  past.sort((a, b) => a.atS - b.atS);
  return past.at(-1)?.load?.multiplier ?? 1;
}

/** Requests of one run beyond which its records do not fit into memory. */
export const MAX_REQUESTS = 2_000_000;

/** Requests that a run asks for, warm-up included, about: arrivals are drawn. */
export function countRequests(scenario: Scenario, rates: readonly (readonly number[])[]): number {
  return scenario.load.reduce((sum, load, i) => {
    const steps = rateSteps(scenario, load, rates[i] ?? []);
    return sum + steps.reduce((total, rps) => total + rps * STEP_S, (steps[0] ?? 0) * scenario.warmupS);
  }, 0);
}
