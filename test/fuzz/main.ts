/** `npm run fuzz`: every door at the size that is asked for, one after the other; prints what was sent and what came of it. */
import { parseArgs } from 'node:util';
import { integer, runCommand, say } from '../support/command-line.ts';
import { type DoorOptions, fuzzAgent } from './agent/fuzz-agent.ts';
import { fuzzController } from './controller/fuzz-controller.ts';
import { manyTrials } from './trials/fuzz-trials.ts';
import { fuzzWasm, liveAgain } from './wasm/fuzz-wasm.ts';
import type { LifeOptions } from './wasm/life.ts';

const USAGE = `npm run fuzz -- [--only wasm|agent|controller|trials] [--seed N]

  --sequences N   of callbacks at the filter; 1000000
  --frames N      at each of the agent's and the controller's doors; 100000
  --trials N      simulated, of each kind; 200
  --seed N        2026
  --only DOOR     one of them instead of all
  --life JSON     a life of the filter again, as a failure's message says, for --sequences

  Exit code 0: every door held; 1: one did not, or an option is wrong.`;

const MOST = 1_000_000_000;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      sequences: { type: 'string', default: '1000000' },
      frames: { type: 'string', default: '100000' },
      trials: { type: 'string', default: '200' },
      seed: { type: 'string', default: '2026' },
      only: { type: 'string' },
      life: { type: 'string' },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const seed = integer('--seed', values.seed, 1, 0xffffffff);
  const sequences = integer('--sequences', values.sequences, 1, MOST);
  const trials = integer('--trials', values.trials, 1, MOST);
  const frames = integer('--frames', values.frames, 1, MOST);
  const door: DoorOptions = { frames, seed, idleConnections: 1_000, slowConnections: 100 };
  const doors: Readonly<Record<string, () => unknown>> = {
    wasm: () => fuzzWasm(sequences, seed),
    agent: () => fuzzAgent(door),
    controller: () => fuzzController(door),
    trials: () => ({
      'A/A': manyTrials(trials, { seed, loadRps: 500, betterBy: 0 }),
      'a fifth better': manyTrials(trials, { seed, loadRps: 500, betterBy: 0.2 }),
    }),
  };
  if (values.life !== undefined) {
    liveAgain(JSON.parse(values.life) as LifeOptions, sequences);
    say('that life holds');
    return 0;
  }
  const chosen = Object.entries(doors).filter(([name]) => values.only === undefined || name === values.only);
  if (chosen.length === 0) {
    throw new Error(`--only is ${values.only}; it must be one of ${Object.keys(doors).join(', ')}`);
  }
  for (const [name, fuzz] of chosen) {
    say(`${name}, seed ${seed}`);
    const startedMs = performance.now();
    const figures = await fuzz();
    say(`${JSON.stringify(figures, null, 2)}\nheld in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`);
  }
  return 0;
}

runCommand(main);
