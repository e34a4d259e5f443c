/**
 * Lives of the shipped filter, one after the other: a long one under one configuration, whose memory must be flat, and many
 * short ones with every configuration, host and limit of memory. What fails names its seed and step.
 */
import { Chance } from '../chance.ts';
import { DEFAULT_MAX_CLUSTERS, Life, type LifeOptions } from './life.ts';

const LIFE_SEQUENCES = 10_000;
/** Part of all sequences that the long life gets, and the part of it after which its memory must not grow. */
const LONG_PART = 0.2;
const WARM_PART = 0.25;
/** One page: samples are kept ready by chunks, and which clusters are tried at one time is chance. */
const SLACK_BYTES = 65_536;

export interface WasmFigures {
  readonly sequences: number;
  readonly callbacks: number;
  readonly hostFailures: number;
  readonly messages: number;
  readonly lives: number;
  readonly mostMemoryBytes: number;
  /** Of the long life, warm and at its end. */
  readonly warmBytes: number;
  readonly endBytes: number;
}

/** @throws an error that says how to live the life that failed again */
export function fuzzWasm(sequences: number, seed: number): WasmFigures {
  const sum = { sequences: 0, callbacks: 0, hostFailures: 0, messages: 0, lives: 0, mostMemoryBytes: 0 };
  const live = (options: LifeOptions, most: number, each: (life: Life, lived: number) => void = () => {}): Life => {
    const life = new Life(options);
    try {
      while (life.sequences < most) {
        life.sequence();
        each(life, life.sequences);
      }
      life.settle();
    } catch (error) {
      const again = `npm run fuzz -- --only wasm --life '${JSON.stringify(options)}' --sequences ${life.sequences + 1}`;
      const which = `sequence ${life.sequences + 1} of the life of seed ${options.seed}`;
      throw new Error(`${which} failed, ${String(error)}; again: ${again}`, { cause: error });
    }
    sum.lives += 1;
    sum.sequences += life.sequences;
    sum.callbacks += life.callbacks;
    sum.hostFailures += life.hostFailures;
    sum.messages += life.messages;
    sum.mostMemoryBytes = Math.max(sum.mostMemoryBytes, life.host.memoryBytes);
    return life;
  };

  const long = Math.ceil(sequences * LONG_PART);
  let warmBytes = 0;
  const options = { seed, maxClusters: DEFAULT_MAX_CLUSTERS, spareMemoryPages: undefined, failShare: 0.05 };
  const longLife = live(options, long, (life, lived) => {
    if (lived === 1) life.flood();
    if (lived === Math.ceil(long * WARM_PART)) warmBytes = life.host.memoryBytes;
  });
  const endBytes = longLife.host.memoryBytes;
  if (endBytes > warmBytes + SLACK_BYTES) {
    throw new Error(
      `memory grew from ${warmBytes} bytes to ${endBytes} in the last sequences of ${long}, seed ${seed}`,
    );
  }
  while (sum.sequences < sequences) {
    live(optionsOf(seed + sum.lives), Math.min(LIFE_SEQUENCES, sequences - sum.sequences));
  }
  return { ...sum, warmBytes, endBytes };
}

/** One life again, as the message of its failure says. */
export function liveAgain(options: LifeOptions, sequences: number): void {
  const life = new Life(options);
  while (life.sequences < sequences) life.sequence();
  life.settle();
}

function optionsOf(seed: number): LifeOptions {
  const chance = new Chance(seed);
  return {
    seed,
    maxClusters: chance.of([1, 64, DEFAULT_MAX_CLUSTERS, 4_096]),
    spareMemoryPages: chance.is(0.4) ? chance.below(chance.of([2, 8, 40])) : undefined,
    failShare: chance.of([0, 0.02, 0.1, 0.5]),
  };
}
