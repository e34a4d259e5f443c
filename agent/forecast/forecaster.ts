/**
 * The contract of a forecaster: one series of requests per second, one value per window, and what comes next.
 *
 * `observe` is the only call that changes state, and it never sees a clock: a window without calls is a 0, told like any
 * other. What all forecasters of a series need of its past is kept once, in a `Past` (history.ts), and handed to each.
 * test/contracts/forecaster.test.ts runs one case suite over every implementation.
 */

/** The past of one series, newest value first. Whoever owns it adds a value before it calls `observe`. */
export interface Past {
  /** Values kept. */
  readonly length: number;
  /** The load `windows` before the newest, requests per second, finite and 0 or more; 0 where nothing is kept. */
  ago(windows: number): number;
  /** Windows after which the series repeats itself; 0 while no season stands out. At most half of `length`. */
  readonly season: number;
}

export interface Forecaster {
  readonly name: string;
  /** The newest window's load, requests per second: the same as `past.ago(0)`. O(1), but for a season that is new. */
  observe(loadRps: number): void;
  /** Load of the next windows, nearest first: finite, never negative. With nothing observed: zeros. */
  forecast(windows: number): number[];
}

/** Starts a series anew. */
export type MakeForecaster = (past: Past) => Forecaster;
