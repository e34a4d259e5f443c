/** Tomorrow is as today: the last value, for ever. What every other forecast has to beat. */
import type { Forecaster, Past } from './forecaster.ts';

export function naive(past: Past): Forecaster {
  return {
    name: 'naive',
    observe: () => {},
    forecast: (windows) => new Array<number>(windows).fill(past.ago(0)),
  };
}
