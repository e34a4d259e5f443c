/** The arguments of the benchmark of what the filter costs. Pure. */
import { parseArgs } from 'node:util';
import { integer } from '../../support/command-line.ts';

export interface Arguments {
  readonly isHelp: boolean;
  readonly rounds: number;
  /** Requests of one variant in one round while processor time is measured. */
  readonly requests: number;
  /** Seconds of one variant in one round while latency is measured. */
  readonly seconds: number;
  readonly json: string | undefined;
}

export const USAGE = `npm run bench:filter -- [options]

  --rounds N     rounds; each has five new Envoys, one per variant; 4 to 200; 14
  --requests N   requests per variant and round while processor time is measured, 500 to 100000; 6000
  --seconds N    seconds per variant and round at half load while latency is measured, 1 to 60; 2
  --json FILE    the figures
  --help`;

/** @throws Error with one sentence */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      rounds: { type: 'string', default: '14' },
      requests: { type: 'string', default: '6000' },
      seconds: { type: 'string', default: '2' },
      json: { type: 'string' },
    },
  });
  if (positionals[0] !== undefined) throw new Error(`${positionals[0]} belongs to no option; see --help`);
  return {
    isHelp: values.help,
    rounds: integer('--rounds', values.rounds, 4, 200),
    requests: integer('--requests', values.requests, 500, 100_000),
    seconds: integer('--seconds', values.seconds, 1, 60),
    json: values.json,
  };
}
