/**
 * The contract of a forecaster (agent/forecast/forecaster.ts), one case suite run over every implementation that the chooser
 * lists. A new forecaster earns its place by passing it.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { forecasters } from '../../agent/forecast/chooser.ts';
import type { Forecaster, MakeForecaster } from '../../agent/forecast/forecaster.ts';
import { History, MAX_LOAD_RPS, MAX_WINDOWS } from '../../agent/forecast/history.ts';
import { seeded } from '../support/random.ts';

const HORIZON = 6;

/** A forecaster and the past that it shares with the chooser, as the chooser keeps them. */
class Series {
  readonly history = new History();
  readonly forecaster: Forecaster;

  constructor(make: MakeForecaster) {
    this.forecaster = make(this.history);
  }

  observe(...loadsRps: readonly number[]): void {
    for (const loadRps of loadsRps) this.forecaster.observe(this.history.push(loadRps));
  }

  forecast(windows = HORIZON): number[] {
    return this.forecaster.forecast(windows);
  }
}

const times = <Value>(count: number, make: (i: number) => Value) => Array.from({ length: count }, (_, i) => make(i));
const wave = (i: number, season: number) => 100 + 60 * Math.sin((2 * Math.PI * i) / season);

function meanError(forecast: readonly number[], truth: readonly number[]): number {
  return truth.reduce((sum, loadRps, i) => sum + Math.abs(loadRps - (forecast[i] ?? 0)), 0) / truth.length;
}

function isSane(forecast: readonly number[], windows = HORIZON): void {
  assert.is(forecast.length, windows);
  for (const loadRps of forecast) assert.ok(Number.isFinite(loadRps) && loadRps >= 0, `forecast ${forecast.join(' ')}`);
}

for (const make of forecasters) {
  const { name } = make(new History());
  const test = suite(`forecaster ${name}`);

  test('with nothing observed it forecasts zeros', () => {
    assert.equal(new Series(make).forecast(), [0, 0, 0, 0, 0, 0]);
  });

  test('after one window it forecasts that', () => {
    const series = new Series(make);
    series.observe(42);
    assert.equal(series.forecast(), [42, 42, 42, 42, 42, 42]);
  });

  test('it forecasts as many windows as are asked for', () => {
    const series = new Series(make);
    series.observe(1, 2, 3);
    for (const windows of [0, 1, 6, 60]) isSane(series.forecast(windows), windows);
  });

  test('what is steady stays', () => {
    const series = new Series(make);
    series.observe(...times(200, () => 250));
    series.history.lookForSeason();
    series.observe(250);
    assert.ok(
      meanError(
        series.forecast(),
        times(HORIZON, () => 250),
      ) < 0.01,
    );
  });

  test('a series of zeros forecasts zeros', () => {
    const series = new Series(make);
    series.observe(...times(100, () => 0));
    series.history.lookForSeason();
    series.observe(0);
    assert.equal(series.forecast(), [0, 0, 0, 0, 0, 0]);
  });

  test('a fall to nothing is never forecast below nothing', () => {
    const series = new Series(make);
    series.observe(...times(20, (i) => 1_000 - i * 50), ...times(3, () => 0));
    isSane(series.forecast(60), 60);
  });

  test('no number that could be measured, or could not, makes it say NaN, infinity or less than nothing', () => {
    const series = new Series(make);
    const strange = [0, 1, Number.MAX_VALUE, 0, Number.MIN_VALUE, Number.POSITIVE_INFINITY, Number.NaN, -5, 1e300, 3];
    for (let round = 0; round < 40; round++) {
      series.observe(...strange);
      isSane(series.forecast());
      if (round % 7 === 0) series.history.lookForSeason();
    }
  });

  test('whatever chance sends, the forecast stays finite and within reach of what was seen', () => {
    const random = seeded(7);
    const series = new Series(make);
    let mostRps = 0;
    for (let i = 0; i < 2_000; i++) {
      const loadRps = random() < 0.1 ? random() * 1e6 : random() * 100;
      mostRps = Math.max(mostRps, loadRps);
      series.observe(loadRps);
      if (i % 97 === 0) series.history.lookForSeason();
      isSane(series.forecast());
      assert.ok(Math.max(...series.forecast()) <= 3 * mostRps);
    }
  });

  test('forecasting changes nothing', () => {
    const series = new Series(make);
    series.observe(...times(100, (i) => wave(i, 20)));
    series.history.lookForSeason();
    series.observe(wave(100, 20));
    const before = series.forecast();
    for (let i = 0; i < 10; i++) series.forecast(60);
    assert.equal(series.forecast(), before);
  });

  test('the same past gives the same forecast', () => {
    const [a, b] = [new Series(make), new Series(make)];
    for (const series of [a, b]) {
      series.observe(...times(60, (i) => wave(i, 12)));
      series.history.lookForSeason();
      series.observe(...times(7, (i) => wave(i, 12)));
    }
    assert.equal(a.forecast(), b.forecast());
  });

  test('a season that appears, changes and goes leaves it sane', () => {
    const series = new Series(make);
    for (const season of [20, 20, 7, 33, 33, 0, 12]) {
      series.observe(...times(150, (i) => (season === 0 ? 100 : wave(i, season))));
      series.history.lookForSeason();
      isSane(series.forecast());
    }
    series.history.season = 0;
    series.observe(80, 80, 80, 80, 80, 80, 80, 80);
    assert.ok(
      meanError(
        series.forecast(),
        times(HORIZON, () => 80),
      ) < 10,
    );
  });

  test('a day of windows, as many as are kept and more, goes on as it began', () => {
    const series = new Series(make);
    series.observe(...times(MAX_WINDOWS + 100, (i) => wave(i, 90)));
    series.history.lookForSeason();
    series.observe(wave(MAX_WINDOWS + 100, 90));
    isSane(series.forecast());
    assert.is(series.history.length, MAX_WINDOWS);
  });

  if (name !== 'naive') {
    test('once it knows the season it foresees the next windows of it better than the last value does', () => {
      const series = new Series(make);
      series.observe(...times(240, (i) => wave(i, 24)));
      series.history.lookForSeason();
      assert.is(series.history.season, 24);
      series.observe(...times(12, (i) => wave(240 + i, 24)));
      const truth = times(HORIZON, (i) => wave(252 + i, 24));
      const naively = times(HORIZON, () => wave(251, 24));
      assert.ok(meanError(series.forecast(), truth) < meanError(naively, truth) / 10);
    });
  }

  if (name === 'holt-winters') {
    test('it follows a trend that the last value lags behind', () => {
      const series = new Series(make);
      series.observe(...times(60, (i) => 100 + 10 * i));
      const truth = times(HORIZON, (i) => 100 + 10 * (60 + i));
      assert.ok(
        meanError(series.forecast(), truth) <
          0.75 *
            meanError(
              times(HORIZON, () => 690),
              truth,
            ),
      );
    });

    test('it follows a season on a trend better than the value of one season ago', () => {
      const series = new Series(make);
      const load = (i: number) => 200 + 2 * i + 80 * Math.sin((2 * Math.PI * i) / 24);
      series.observe(...times(240, load));
      series.history.lookForSeason();
      series.observe(...times(48, (i) => load(240 + i)));
      const truth = times(HORIZON, (i) => load(288 + i));
      const seasonally = times(HORIZON, (i) => load(288 + i - 24));
      assert.ok(meanError(series.forecast(), truth) < meanError(seasonally, truth) / 3);
    });

    test('its trend is damped: a ramp is not forecast to go on for ever', () => {
      const series = new Series(make);
      series.observe(...times(30, (i) => 10 * i));
      const far = series.forecast(60);
      assert.ok((far[59] ?? 0) < 290 + 10 * 10, `a window far ahead was ${far[59]}`);
    });
  }

  test.run();
}

const history = suite('history');

history('values are kept newest first, within bounds, and 0 where nothing is', () => {
  const past = new History();
  assert.is(past.ago(0), 0);
  for (let i = 1; i <= MAX_WINDOWS + 10; i++) past.push(i);
  assert.is(past.length, MAX_WINDOWS);
  assert.is(past.ago(0), MAX_WINDOWS + 10);
  assert.is(past.ago(MAX_WINDOWS - 1), 11);
  assert.is(past.ago(MAX_WINDOWS), 0);
  assert.is(past.ago(-1), 0);
});

history('what is no load is kept as nothing, what is too much as the most', () => {
  const past = new History();
  assert.is(past.push(Number.NaN), 0);
  assert.is(past.push(-1), 0);
  assert.is(past.push(Number.POSITIVE_INFINITY), Math.fround(MAX_LOAD_RPS));
});

history.run();
