/**
 * Forecasts one series by whichever forecaster was right lately. Each one forecasts in every window; when a window's load
 * comes in, each is charged with the error of what it had said of it one to HORIZON windows before.
 */
import type { Forecaster, MakeForecaster } from './forecaster.ts';
import { History } from './history.ts';
import { holtWinters } from './holt-winters.ts';
import { naive } from './naive.ts';
import { seasonalNaive } from './seasonal-naive.ts';

/** Windows that are forecast. */
export const HORIZON = 6;
/** The running error forgets half of itself in 14 windows: long enough to rank, short enough to follow a change of regime. */
const ERROR_DECAY = 0.95;

/** How much smaller the error of a more elaborate one must be: below it chance decides, and the simpler is as good. */
const BETTER = 0.95;

/** From simple to elaborate. */
export const forecasters: readonly MakeForecaster[] = [naive, seasonalNaive, holtWinters];

interface Candidate {
  readonly forecaster: Forecaster;
  /** Forecasts made in the last windows, oldest first, each for the HORIZON windows after it. */
  readonly made: number[][];
  /** Decayed sum of errors, and of the ones that it is divided by. */
  errorSumRps: number;
  weight: number;
}

export interface Forecast {
  readonly forecaster: string;
  /** Requests per second in each of the next HORIZON windows, nearest first. */
  readonly loadRps: readonly number[];
  /** Mean absolute error of the chosen forecaster lately, requests per second. */
  readonly errorRps: number;
}

export class Chooser {
  readonly #past = new History();
  readonly #candidates: readonly Candidate[];
  #observedSinceSearch = 0;

  /** @param makers at least one, from simple to elaborate */
  constructor(makers: readonly MakeForecaster[] = forecasters) {
    this.#candidates = makers.map((make) => ({ forecaster: make(this.#past), made: [], errorSumRps: 0, weight: 0 }));
  }

  observe(loadRps: number): void {
    const kept = this.#past.push(loadRps);
    this.#observedSinceSearch += 1;
    for (const candidate of this.#candidates) {
      charge(candidate, kept);
      candidate.forecaster.observe(kept);
      candidate.made.push(candidate.forecaster.forecast(HORIZON));
      if (candidate.made.length > HORIZON) candidate.made.shift();
    }
  }

  forecast(): Forecast {
    let best = this.#candidates[0];
    for (const candidate of this.#candidates) {
      if (best && errorOf(candidate) < BETTER * errorOf(best)) best = candidate;
    }
    if (!best) throw new RangeError('a chooser needs at least one forecaster');
    return {
      forecaster: best.forecaster.name,
      loadRps: best.made.at(-1) ?? best.forecaster.forecast(HORIZON),
      errorRps: errorOf(best),
    };
  }

  /** Windows observed since the season was last looked for. */
  get observedSinceSearch(): number {
    return this.#observedSinceSearch;
  }

  /** Looks for a season; its cost is findSeason's. */
  lookForSeason(): void {
    this.#observedSinceSearch = 0;
    this.#past.lookForSeason();
  }
}

function charge(candidate: Candidate, loadRps: number): void {
  const { made } = candidate;
  if (made.length === 0) return;
  let errorRps = 0;
  for (let i = 0; i < made.length; i++) {
    // The last was made one window ago and meant this one first.
    errorRps += Math.abs((made[i]?.[made.length - 1 - i] ?? 0) - loadRps);
  }
  candidate.errorSumRps = candidate.errorSumRps * ERROR_DECAY + errorRps / made.length;
  candidate.weight = candidate.weight * ERROR_DECAY + 1;
}

function errorOf(candidate: Candidate): number {
  return candidate.weight === 0 ? 0 : candidate.errorSumRps / candidate.weight;
}
