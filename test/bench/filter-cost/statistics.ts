/**
 * What rounds say together. Variants take turns within a round, so what else happens on the machine falls on all of them, and
 * only differences within one round are formed; the middle of those is reported, with how far it would move were other rounds
 * drawn (bootstrap: Efron 1979, percentiles). Pure: chance is passed in.
 */

const RESAMPLES = 2_000;
const LOW = 0.05;
const HIGH = 0.95;

/** A middle and the interval in which 9 in 10 resampled middles lie. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @throws RangeError of nothing */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0 to 1; between two values, in proportion. @throws RangeError of nothing */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('no values have no quantile');
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? 0;
  return below + (above - below) * (place - Math.floor(place));
}

/** Round by round, what is beyond the base. @throws RangeError when the rounds are not the same */
export function pairedDifferences(values: readonly number[], base: readonly number[]): number[] {
  if (values.length !== base.length) {
    throw new RangeError(`${values.length} rounds cannot be paired with ${base.length}`);
  }
  return values.map((value, i) => value - (base[i] ?? 0));
}

/** @param random 0 to 1 */
export function spreadOf(values: readonly number[], random: () => number): Spread {
  const middles = resampled(values.length, random).map((rounds) => median(rounds.map((i) => values[i] ?? 0)));
  return { median: median(values), low: quantile(middles, LOW), high: quantile(middles, HIGH) };
}

/**
 * One middle over another, rounds drawn together. A quotient of middles, not the middle of quotients: a single round's
 * denominator may come close to 0.
 */
export function ratioOf(over: readonly number[], under: readonly number[], random: () => number): Spread {
  const quotient = (rounds: readonly number[]) =>
    median(rounds.map((i) => over[i] ?? 0)) / median(rounds.map((i) => under[i] ?? 0));
  const quotients = resampled(over.length, random).map(quotient);
  return { median: quotient([...over.keys()]), low: quantile(quotients, LOW), high: quantile(quotients, HIGH) };
}

/**
 * Names in another order each round, so that neither a place in the round nor a neighbour speaks for one of them: each begins
 * in turn, and every second round goes backwards. After twice as many rounds as names each has had each place twice.
 */
export function orderOf<Name>(names: readonly Name[], round: number): Name[] {
  const first = Math.floor(round / 2) % names.length;
  const turned = [...names.slice(first), ...names.slice(0, first)];
  return round % 2 === 0 ? turned : turned.reverse();
}

function resampled(count: number, random: () => number): number[][] {
  return Array.from({ length: RESAMPLES }, () => Array.from({ length: count }, () => Math.floor(random() * count)));
}
