/** Which keys of a service time belong together. Pure. */
import type { Problem } from '../../../controller/routes/explain.ts';
import { type Path, problem } from './problems.ts';
import type { ServiceTime } from './service-schema.ts';

export function checkServiceTime(time: ServiceTime, path: Path): Problem[] {
  const problems: Problem[] = [];
  if (time.p99Ms !== undefined) {
    const ratio = time.p99Ms / time.meanMs;
    if (time.kind !== 'lognormal')
      problems.push(problem([...path, 'p99Ms'], `is for kind lognormal, not ${time.kind}`));
    // Beyond exp(2.33² / 2) = 15.0 no log-normal distribution has this mean and this 99th percentile.
    else if (ratio < 1.1 || ratio > 14)
      problems.push(problem([...path, 'p99Ms'], `is ${round(ratio)} times meanMs; it must be 1.1 to 14 times`));
  }
  if (time.kind === 'uniform' && time.spreadMs === undefined) {
    problems.push(problem([...path, 'spreadMs'], 'is missing; kind uniform needs it'));
  } else if (time.kind === 'uniform' && (time.spreadMs ?? 0) > time.meanMs) {
    problems.push(problem([...path, 'spreadMs'], `is ${time.spreadMs}; it must be at most meanMs, ${time.meanMs}`));
  } else if (time.kind !== 'uniform' && time.spreadMs !== undefined) {
    problems.push(problem([...path, 'spreadMs'], `is for kind uniform, not ${time.kind}`));
  }
  return problems;
}

const round = (value: number) => Math.round(value * 10) / 10;
