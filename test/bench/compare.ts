/** From the runs of one scenario to what is reported: middle, spread and ratio to the best peer. Pure. */
import type { Figures } from './measure/figures.ts';
import type { RunRecord } from './measure/run.ts';
import type { Found } from './oracle/search.ts';
import type { FixedWeights } from './peers/fixed-weights.ts';

const FIGURES = ['goodputRps', 'p50Ms', 'p90Ms', 'p99Ms', 'errorRatio', 'crossZoneShare', 'reliefS'] as const;
export type FigureName = (typeof FIGURES)[number];

/** null: a latency that falls among failed requests, or a relief that there was none of. */
export type PolicyReport = Readonly<Record<FigureName, number | null>> & {
  /** Own over the best peer's: p99 below 1 and goodput above 1 are better; null where one of the two is null or 0. */
  readonly ratioToBestPeer: { readonly p99: number | null; readonly goodput: number | null };
  /** Least and most over the repeats; null as above. */
  readonly spread: Readonly<Record<FigureName, readonly [number | null, number | null]>>;
  readonly repeats: number;
  readonly faultCount: number;
  /** Of fixed weights: what they are, and their p99 as simulated; null as above. */
  readonly weights?: FixedWeights;
  readonly simulatedP99Ms?: number | null;
};

export interface ScenarioReport {
  readonly name: string;
  readonly policies: Readonly<Record<string, PolicyReport>>;
}

/**
 * @param runs all of one scenario, in any order; policies come in the order in which they are met first
 * @param found fixed weights, by the name of the set-up that has them
 */
export function compareRuns(
  name: string,
  runs: readonly RunRecord[],
  isPeer: (setUp: string) => boolean,
  found: Readonly<Record<string, Found>> = {},
): ScenarioReport {
  const bySetUp = new Map<string, Figures[]>();
  for (const { setUp, figures } of runs) bySetUp.set(setUp, [...(bySetUp.get(setUp) ?? []), figures]);
  const middles = new Map([...bySetUp].map(([setUp, figures]) => [setUp, middleOf(figures)]));
  const peers = [...middles].filter(([setUp]) => isPeer(setUp)).map(([, middle]) => middle);
  const bestP99 = Math.min(...peers.map(({ p99Ms }) => p99Ms ?? Number.POSITIVE_INFINITY));
  const bestGoodput = Math.max(...peers.map(({ goodputRps }) => goodputRps ?? 0));
  const policies = [...bySetUp].map(([setUp, figures]) => {
    const middle = middles.get(setUp) ?? middleOf(figures);
    const fixed = found[setUp];
    const report: PolicyReport = {
      ...middle,
      ratioToBestPeer: { p99: ratio(middle.p99Ms, bestP99), goodput: ratio(middle.goodputRps, bestGoodput) },
      spread: eachFigure((figure) => ends(figures.map((one) => one[figure]))),
      repeats: figures.length,
      faultCount: figures[0]?.faultCount ?? 0,
      ...(fixed ? { weights: fixed.weights, simulatedP99Ms: fixed.score.p99Ms } : {}),
    };
    return [setUp, report] as const;
  });
  return { name, policies: Object.fromEntries(policies) };
}

function middleOf(figures: readonly Figures[]): Record<FigureName, number | null> {
  return eachFigure((figure) => median(figures.map((one) => one[figure])));
}

/** Of an even number the upper of the two in the middle; null counts as more than any number: all of them mean failure. */
export function median(values: readonly (number | null)[]): number | null {
  return ascending(values)[Math.floor(values.length / 2)] ?? null;
}

function ends(values: readonly (number | null)[]): [number | null, number | null] {
  const sorted = ascending(values);
  return [sorted[0] ?? null, sorted.at(-1) ?? null];
}

function ascending(values: readonly (number | null)[]): (number | null)[] {
  return [...values].sort((a, b) => (a === b ? 0 : a === null ? 1 : b === null ? -1 : a - b));
}

function ratio(own: number | null, best: number): number | null {
  return own === null || !Number.isFinite(best) || best <= 0 ? null : own / best;
}

function eachFigure<T>(of: (figure: FigureName) => T): Record<FigureName, T> {
  return Object.fromEntries(FIGURES.map((figure) => [figure, of(figure)])) as Record<FigureName, T>;
}
