/** The arguments of the benchmark. Pure. */
import { parseArgs } from 'node:util';
import { integer } from '../support/command-line.ts';
import { setUpNames } from './peers/set-ups.ts';

export interface Arguments {
  readonly isHelp: boolean;
  /** Scenario files; with --all, those of test/bench/scenarios come first. */
  readonly scenarios: readonly string[];
  readonly isAll: boolean;
  readonly policies: readonly string[];
  readonly repeat: number;
  readonly seed: number | undefined;
  /** Meshes at a time. */
  readonly lanes: number;
  readonly json: string | undefined;
  /** Folder of the charts. */
  readonly plot: string | undefined;
  /** Folder of the runs that are done. */
  readonly results: string;
  /** Whether runs that are done are done again. */
  readonly isFresh: boolean;
}

export const USAGE = `npm run bench -- --all | --scenario FILE... [--policies NAME,NAME...] [--repeat N]

  --scenario FILE...  scenario files, as deploy/local/SCENARIO.md describes them
  --all               every file of test/bench/scenarios
  --policies NAME...  ${setUpNames.join(', ')} (the default);
                      and weir:POLICY for each policy of the registry
  --repeat N          runs of each, with seeds one apart; 1
  --seed N            instead of the scenario's
  --lanes N           meshes at a time, 1 to 4; 1. More is sooner and less exact: they share the processors
  --json FILE         all figures
  --plot DIR          a chart of each scenario, SVG: p99 and shares by the second
  --results DIR       where runs that are done are kept; run/bench
  --fresh             run again what is kept there`;

const MAX_REPEAT = 100;
const MAX_LANES = 4;

/** @throws Error with one sentence */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: spread(args),
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      scenario: { type: 'string', multiple: true, default: [] },
      all: { type: 'boolean', default: false },
      policies: { type: 'string', multiple: true, default: [] },
      repeat: { type: 'string', default: '1' },
      seed: { type: 'string' },
      lanes: { type: 'string', default: '1' },
      json: { type: 'string' },
      plot: { type: 'string' },
      results: { type: 'string', default: 'run/bench' },
      fresh: { type: 'boolean', default: false },
    },
  });
  const [stray] = positionals;
  if (stray !== undefined) throw new Error(`${stray} belongs to no option; scenario files follow --scenario`);
  const policies = [...new Set(values.policies.flatMap((list) => list.split(',')).filter((name) => name !== ''))];
  if (!values.help && !values.all && values.scenario.length === 0) {
    throw new Error('nothing to run: give --all or --scenario FILE');
  }
  return {
    isHelp: values.help,
    scenarios: values.scenario,
    isAll: values.all,
    policies: policies.length > 0 ? policies : setUpNames,
    repeat: integer('--repeat', values.repeat, 1, MAX_REPEAT),
    seed: values.seed === undefined ? undefined : integer('--seed', values.seed, 0, 0xffffffff - MAX_REPEAT),
    lanes: integer('--lanes', values.lanes, 1, MAX_LANES),
    json: values.json,
    plot: values.plot,
    results: values.results,
    isFresh: values.fresh,
  };
}

/** `--scenario a b` as `--scenario a --scenario b`, which is what parseArgs knows; the same for --policies. */
function spread(args: readonly string[]): string[] {
  let list: string | undefined;
  return args.flatMap((arg, i) => {
    if (arg.startsWith('-')) {
      list = arg === '--scenario' || arg === '--policies' ? arg : undefined;
      const isFollowed = args[i + 1] !== undefined && !args[i + 1]?.startsWith('-');
      return list !== undefined && isFollowed ? [] : [arg];
    }
    return list === undefined ? [arg] : [list, arg];
  });
}
