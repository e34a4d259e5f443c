/** From rounds to what is reported: middles of paired differences with their spread, ratios, and the table. Pure. */
import type { Measured, Round } from './rounds.ts';
import { median, pairedDifferences, ratioOf, type Spread, spreadOf } from './statistics.ts';
import { NONE, names, said, type VariantName } from './variants.ts';

export type Compared = Exclude<VariantName, typeof NONE>;
export const compared = names.filter((name): name is Compared => name !== NONE);

export interface Added {
  readonly cpuUs: Spread;
  readonly halfLoadCpuUs: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
}

export interface Figures {
  /** Middles without a filter. */
  readonly base: Measured;
  readonly added: Readonly<Record<Compared, Added>>;
  /** Weir's added processor time over that of the other. */
  readonly ratio: { readonly lua: Spread; readonly sdkClasses: Spread };
  readonly rounds: number;
}

const facts = ['cpuUs', 'halfLoadCpuUs', 'p50Ms', 'p99Ms'] as const;

/** @param random 0 to 1. @throws RangeError of no rounds */
export function figuresOf(rounds: readonly Round[], random: () => number): Figures {
  const values = (name: VariantName, fact: keyof Measured) => rounds.map(({ of }) => of[name][fact]);
  const added = (name: VariantName, fact: keyof Measured) => pairedDifferences(values(name, fact), values(NONE, fact));
  const each = <T>(make: (fact: keyof Measured) => T) => Object.fromEntries(facts.map((fact) => [fact, make(fact)]));
  const ratio = (other: Compared) => ratioOf(added('weir', 'cpuUs'), added(other, 'cpuUs'), random);
  return {
    base: each((fact) => median(values(NONE, fact))) as unknown as Measured,
    added: Object.fromEntries(
      compared.map((name) => [name, each((fact) => spreadOf(added(name, fact), random))]),
    ) as unknown as Figures['added'],
    ratio: { lua: ratio('lua'), sdkClasses: ratio('sdkClasses') },
    rounds: rounds.length,
  };
}

/** What `--json` writes; spreads are the interval in which 9 in 10 resampled middles lie. */
export function jsonOf(figures: Figures): Record<string, unknown> {
  const { added, ratio, rounds, base } = figures;
  return {
    addedCpuUs: eachCompared((name) => round(added[name].cpuUs.median, 2)),
    ratio: { lua: round(ratio.lua.median, 3), sdkClasses: round(ratio.sdkClasses.median, 3) },
    addedP99Ms: round(added.weir.p99Ms.median, 4),
    addedP50Ms: round(added.weir.p50Ms.median, 4),
    rounds,
    base,
    spread: { added, ratio },
  };
}

/** Lines for a reader. */
export function linesOf({ base, added, ratio, rounds }: Figures): string[] {
  const width = Math.max(...names.map((name) => said[name].length));
  const row = (cells: readonly string[], head: string) =>
    `${head.padEnd(width)}${cells.map((cell) => cell.padStart(29)).join('')}`;
  return [
    row(['Envoy µs/request', 'same at half load', 'p50 ms at half load', 'p99 ms at half load'], ''),
    row(
      [base.cpuUs.toFixed(1), base.halfLoadCpuUs.toFixed(1), base.p50Ms.toFixed(3), base.p99Ms.toFixed(3)],
      said.none,
    ),
    ...compared.map((name) => {
      const { cpuUs, halfLoadCpuUs, p50Ms, p99Ms } = added[name];
      return row([spread(cpuUs, 1), spread(halfLoadCpuUs, 1), spread(p50Ms, 3), spread(p99Ms, 3)], said[name]);
    }),
    '',
    `Weir adds ${unsigned(ratio.lua)} times what Lua adds, ${unsigned(ratio.sdkClasses)} times what the SDK's classes add`,
    `(middles of ${rounds} rounds' differences to no filter; in brackets where 9 in 10 middles would lie, were other rounds drawn)`,
  ];
}

function spread({ median: middle, low, high }: Spread, digits: number): string {
  return `+${middle.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`.replace('+-', '-');
}

function unsigned({ median: middle, low, high }: Spread): string {
  return `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function eachCompared<T>(of: (name: Compared) => T): Record<string, T> {
  return Object.fromEntries(compared.map((name) => [name, of(name)]));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
