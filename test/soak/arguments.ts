/** The arguments of the soak. Pure. */
import { parseArgs } from 'node:util';
import { integer } from '../support/command-line.ts';

export interface Arguments {
  readonly isHelp: boolean;
  readonly minutes: number;
  readonly seed: number | undefined;
  readonly json: string | undefined;
}

export const USAGE = `npm run soak -- [--minutes N] [--seed N] [--json FILE]

  --minutes N   length, and number of faults; 2 to 120, 30
  --seed N      instead of the demo's
  --json FILE   every sample, fault and figure`;

/** The first minute at the least is warm-up; one more is needed to see anything. */
const LEAST_MINUTES = 2;
const MOST_MINUTES = 120;

/** @throws Error with one sentence */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string' },
      json: { type: 'string' },
    },
  });
  return {
    isHelp: values.help,
    minutes: integer('--minutes', values.minutes, LEAST_MINUTES, MOST_MINUTES),
    seed: values.seed === undefined ? undefined : integer('--seed', values.seed, 0, 0xffffffff),
    json: values.json,
  };
}
