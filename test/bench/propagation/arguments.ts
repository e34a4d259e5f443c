/** The arguments of the propagation benchmark. Pure. */
import { parseArgs } from 'node:util';
import { integer } from '../../support/command-line.ts';

export interface Arguments {
  readonly isHelp: boolean;
  /** Decisions that count. */
  readonly decisions: number;
  /** From the sending of a probe to the next, whichever Envoys they go through, ms. */
  readonly paceMs: number;
  /** From a decision to the first probe after it, ms. */
  readonly headStartMs: number;
  readonly seed: number;
  readonly json: string | undefined;
}

const DEFAULT_DECISIONS = 200;
const MAX_DECISIONS = 10_000;
const DEFAULT_PACE_MS = 0.5;
const PACE_MS = { least: 0.1, most: 50 };
/** On two cores half of the decisions take longer by themselves: probes before that show nothing and take processor time from it. */
const DEFAULT_HEAD_START_MS = 20;
const MAX_HEAD_START_MS = 1_000;

export const USAGE = `npm run bench:propagation -- [--decisions N] [--json FILE]

  How long a decision takes until it is in force in every Envoy: 20 Envoys on 4 agents, one controller. The clock starts
  when the controller is asked (POST /v1/pin, all requests to the other of two backends) and stops when the first answer
  of that backend after which all are of it has come through the last Envoy.

  --decisions N   decisions that count; ${DEFAULT_DECISIONS}, which take two minutes
  --pace N        ms from one probe to the next, whichever Envoys they go through; ${DEFAULT_PACE_MS}
  --head-start N  ms from a decision to the first probe after it, before which none is seen in force; ${DEFAULT_HEAD_START_MS}
  --seed N        of the pauses between decisions; 1
  --json FILE     {p50Ms, p99Ms} and the figures beside them

  Exit code 0: reported; 1: something could not run, or a decision did not stay in force; 3: the machine was too busy.`;

/** @throws Error with one sentence */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      decisions: { type: 'string', default: String(DEFAULT_DECISIONS) },
      pace: { type: 'string', default: String(DEFAULT_PACE_MS) },
      'head-start': { type: 'string', default: String(DEFAULT_HEAD_START_MS) },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  return {
    isHelp: values.help,
    decisions: integer('--decisions', values.decisions, 1, MAX_DECISIONS),
    paceMs: number('--pace', values.pace, PACE_MS.least, PACE_MS.most),
    headStartMs: integer('--head-start', values['head-start'], 0, MAX_HEAD_START_MS),
    seed: integer('--seed', values.seed, 0, 0xffffffff),
    json: values.json,
  };
}

function number(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${option} is ${text}; it must be a number from ${least} to ${most}`);
}
