/**
 * Holt-Winters: exponential smoothing of a level, a damped trend and, once the series is known to have one, an additive
 * season of m windows (Hyndman and Athanasopoulos, FPP3, sections 8.2 and 8.3; damping after Gardner and McKenzie 1985):
 *
 *   l = α·(y - s₋ₘ) + (1-α)·(l' + φ·b')        b = β·(l - l') + (1-β)·φ·b'        s = γ·(y - l) + (1-γ)·s₋ₘ
 *   ŷ(h) = l + (φ + φ² + … + φ^h)·b + s of the window that h falls on
 *
 * Damped, because requests per second do not grow for ever: an undamped trend over a burst forecasts a flood. The season is
 * corrected from the new level, Winters' own form (FPP3 writes the same with γ rescaled by 1-α).
 *
 * A season that is new is learnt from the past that is kept, once, O(length); every other observation is O(1).
 */
import type { Forecaster, Past } from './forecaster.ts';

/** Without a season the level has to follow fast; with one, what is left to follow is slow. */
const LEVEL_GAIN = 0.5;
const SEASONED_LEVEL_GAIN = 0.2;
const TREND_GAIN = 0.1;
const SEASON_GAIN = 0.2;
/** FPP3 restricts φ to 0.8 to 0.98: the middle; and the most for a trend that was seen over whole seasons. */
const DAMPING = 0.9;
const SEASONED_DAMPING = 0.98;

export function holtWinters(past: Past): Forecaster {
  let level: number | undefined;
  let trend = 0;
  /** What each window of the season has above the level; empty without one. */
  let offsets = new Float64Array(0);
  /** Place in `offsets` of the next window. */
  let place = 0;

  const damping = () => (offsets.length > 0 ? SEASONED_DAMPING : DAMPING);

  function learnSeason(season: number): void {
    offsets = new Float64Array(season);
    place = 0;
    if (season === 0) return;
    const seasons = Math.floor(past.length / season);
    const newestMean = meanOf(past, 0, season);
    const growth = (newestMean - meanOf(past, (seasons - 1) * season, season)) / Math.max(1, (seasons - 1) * season);
    for (let s = 0; s < seasons; s++) {
      const newest = s * season;
      const mean = meanOf(past, newest, season);
      for (let i = 0; i < season; i++) {
        // Each season against its own line, so that growth does not count as season.
        const line = mean + growth * (i - (season - 1) / 2);
        offsets[i] = (offsets[i] ?? 0) + (past.ago(newest + season - 1 - i) - line) / seasons;
      }
    }
    level = newestMean + (growth * (season - 1)) / 2;
    trend = growth;
  }

  function smooth(loadRps: number): void {
    if (level === undefined) {
      level = loadRps;
      return;
    }
    const hasSeason = offsets.length > 0;
    const offset = offsets[place] ?? 0;
    const gain = hasSeason ? SEASONED_LEVEL_GAIN : LEVEL_GAIN;
    const before = level;
    const dampedTrend = damping() * trend;
    level = gain * (loadRps - offset) + (1 - gain) * (before + dampedTrend);
    trend = TREND_GAIN * (level - before) + (1 - TREND_GAIN) * dampedTrend;
    if (!hasSeason) return;
    offsets[place] = SEASON_GAIN * (loadRps - level) + (1 - SEASON_GAIN) * offset;
    place = (place + 1) % offsets.length;
  }

  return {
    name: 'holt-winters',
    observe: (loadRps) => {
      const isNews = past.season !== offsets.length;
      if (isNews) learnSeason(past.season);
      // What was just learnt from the past has this window in it.
      if (!isNews || past.season === 0) smooth(loadRps);
    },
    forecast: (windows) => {
      let damped = 0;
      let factor = 1;
      return Array.from({ length: windows }, (_, step) => {
        factor *= damping();
        damped += factor;
        const offset = offsets.length > 0 ? (offsets[(place + step) % offsets.length] ?? 0) : 0;
        return Math.max(0, (level ?? 0) + damped * trend + offset);
      });
    },
  };
}

/** Mean of `count` values, the newest of which is `newest` windows ago. */
function meanOf(past: Past, newest: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += past.ago(newest + i);
  return sum / count;
}
