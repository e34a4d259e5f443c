/** Which keys of a load belong together. Pure. */
import type { Problem } from '../../../controller/routes/explain.ts';
import type { Load, Phase, RateFile } from './load-schema.ts';
import { type Path, problem, unknown } from './problems.ts';
import type { Scenario } from './schema.ts';

const phaseKeys: Readonly<Record<Phase['kind'], readonly (keyof Phase)[]>> = {
  constant: ['rps'],
  ramp: ['fromRps', 'toRps'],
  steps: ['stepsRps', 'everyS'],
  sine: ['meanRps', 'amplitudeRps', 'periodS'],
};

export function checkLoad(scenario: Scenario, load: Load, path: Path): Problem[] {
  const names = scenario.services.map((service) => service.name);
  const phases = load.phases ?? [];
  return [
    ...unknown([...path, 'zone'], load.zone, scenario.zones, 'zone'),
    ...unknown([...path, 'service'], load.service, names, 'service'),
    ...((load.phases === undefined) === (load.csv === undefined)
      ? [problem(path, `has ${load.csv ? 'both phases and csv' : 'neither phases nor csv'}; it must have one of them`)]
      : []),
    ...(load.csv ? checkFile(load.csv, [...path, 'csv']) : []),
    ...phases.flatMap((phase, i) => checkPhase(phase, [...path, 'phases', i], i === phases.length - 1)),
  ];
}

function checkPhase(phase: Phase, path: Path, isLast: boolean): Problem[] {
  const wanted = phaseKeys[phase.kind];
  const given = (Object.keys(phase) as (keyof Phase)[]).filter((key) => key !== 'kind' && key !== 'forS');
  return [
    ...wanted
      .filter((key) => phase[key] === undefined)
      .map((key) => problem([...path, key], `is missing; kind ${phase.kind} needs it`)),
    ...given
      .filter((key) => !wanted.includes(key))
      .map((key) => problem([...path, key], `does not belong to kind ${phase.kind}, which has ${wanted.join(', ')}`)),
    ...(phase.forS === undefined && !(isLast && phase.kind !== 'ramp')
      ? [problem([...path, 'forS'], 'is missing; only a last phase may leave it out, and no ramp')]
      : []),
  ];
}

function checkFile(file: RateFile, path: Path): Problem[] {
  const scalings = (['scale', 'meanRps', 'peakRps'] as const).filter((key) => file[key] !== undefined);
  return scalings.length > 1 ? [problem(path, `has ${scalings.join(' and ')}; it may have one of them`)] : [];
}
