/**
 * Fuzzes every door at the size that is asked for, one after the other, and prints what was sent and what came of it.
 *
 *   npm run fuzz -- --sequences 1000000 --frames 100000 --trials 200 --seed 2026
 *   npm run fuzz -- --only wasm|agent|controller|trials
 *   npm run fuzz -- --only wasm --life '{...}' --sequences 17     a life of the filter again, as a failure's message says
 */
import { parseArgs } from 'node:util';
import { type DoorOptions, fuzzAgent } from './agent/fuzz-agent.ts';
import { fuzzController } from './controller/fuzz-controller.ts';
import { manyTrials } from './trials/fuzz-trials.ts';
import { fuzzWasm, liveAgain } from './wasm/fuzz-wasm.ts';
import type { LifeOptions } from './wasm/life.ts';

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '1000000' },
    frames: { type: 'string', default: '100000' },
    trials: { type: 'string', default: '200' },
    seed: { type: 'string', default: '2026' },
    only: { type: 'string' },
    life: { type: 'string' },
  },
});
const seed = wholeNumber('seed', values.seed);
const door: DoorOptions = {
  frames: wholeNumber('frames', values.frames),
  seed,
  idleConnections: 1_000,
  slowConnections: 100,
};
const sequences = wholeNumber('sequences', values.sequences);
const trials = wholeNumber('trials', values.trials);

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
  process.stdout.write('that life holds\n');
} else {
  const names = Object.keys(doors).filter((name) => values.only === undefined || name === values.only);
  if (names.length === 0)
    throw new Error(`--only is ${values.only}; it must be one of ${Object.keys(doors).join(', ')}`);
  for (const name of names) await run(name);
}

async function run(name: string): Promise<void> {
  process.stdout.write(`${name}, seed ${seed}\n`);
  const startedMs = performance.now();
  const figures = await doors[name]?.();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\nheld in ${seconds} s\n\n`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} is ${text}; it must be a whole number above 0`);
}
