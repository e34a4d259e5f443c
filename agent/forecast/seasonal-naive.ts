/**
 * The value of one season ago; the last value while the series has no season.
 *
 * Source of the rule: Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), section 5.2.
 */
import type { Forecaster, Past } from './forecaster.ts';

export function seasonalNaive(past: Past): Forecaster {
  return {
    name: 'seasonal-naive',
    observe: () => {},
    forecast: (windows) => {
      const { season } = past;
      return Array.from({ length: windows }, (_, step) =>
        // The window `step + 1` ahead is like the one a season before it.
        season === 0 ? past.ago(0) : past.ago(season - 1 - (step % season)),
      );
    },
  };
}
