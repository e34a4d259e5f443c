/** A scenario file and the request-rate files that it names, read and checked before anything starts. */
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { BadRates, readRates } from '../load/csv.ts';
import { BadScenario, parseWithLines } from './parse.ts';
import { problem } from './problems.ts';
import type { Scenario } from './schema.ts';

export interface ReadScenario {
  readonly scenario: Scenario;
  /** For each load the values of its request-rate file, or nothing when it has phases. */
  readonly rates: readonly (readonly number[])[];
}

/**
 * @param cwd where a request-rate file is looked for that does not lie beside the scenario
 * @throws BadScenario
 */
export function readScenario(path: string, cwd: string): ReadScenario {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const message = isMissing
      ? 'the scenario does not exist'
      : `the scenario cannot be read: ${(cause as Error).message}`;
    throw new BadScenario(path, [{ path: [], message }]);
  }
  const { scenario, lineOf } = parseWithLines(text, basename(path));
  const rates = scenario.load.map(({ csv }, i) => {
    if (!csv) return [];
    try {
      return readRates(csv, [dirname(path), cwd]);
    } catch (error) {
      if (!(error instanceof BadRates)) throw error;
      throw new BadScenario(basename(path), [problem(['load', i, 'csv', error.field], error.message)], lineOf);
    }
  });
  return { scenario, rates };
}
