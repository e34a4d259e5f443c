/** Quantiles, and figures as text. */

/** The value that at least `ratio` of the ascending values do not exceed; undefined of nothing. */
export function quantile(ascending: readonly number[], ratio: number): number | undefined {
  return ascending[rankOf(ascending.length, ratio)];
}

/** Index of that value among `count` ascending ones. */
export function rankOf(count: number, ratio: number): number {
  return Math.max(0, Math.ceil(count * ratio) - 1);
}

export function percent(ratio: number | undefined, digits = 0): string {
  return ratio === undefined ? '–' : `${(ratio * 100).toFixed(digits)} %`;
}

export function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '–' : `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** A quantile of an outcome: undefined is one that falls among the requests that failed. */
export function latency(ms: number | undefined): string {
  return ms === undefined ? 'failed' : milliseconds(ms);
}
