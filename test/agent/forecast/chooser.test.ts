/** The chooser: whoever was right lately speaks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Chooser, HORIZON } from '../../../agent/forecast/chooser.ts';
import type { MakeForecaster } from '../../../agent/forecast/forecaster.ts';
import { seeded } from '../../support/random.ts';

/** Always says the same. */
const says =
  (name: string, loadRps: number): MakeForecaster =>
  () => ({ name, observe: () => {}, forecast: (windows) => Array.from({ length: windows }, () => loadRps) });

function observe(chooser: Chooser, count: number, loadRps: (i: number) => number): void {
  for (let i = 0; i < count; i++) chooser.observe(loadRps(i));
}

test('before anything is known the simplest speaks, of nothing', () => {
  assert.equal(new Chooser().forecast(), { forecaster: 'naive', loadRps: [0, 0, 0, 0, 0, 0], errorRps: 0 });
});

test('the forecaster with the smaller running error is chosen, and its error is told', () => {
  const chooser = new Chooser([says('ten', 10), says('twenty', 20)]);
  observe(chooser, 5, () => 18);
  assert.is(chooser.forecast().forecaster, 'twenty');
  assert.is(Math.round(chooser.forecast().errorRps * 1e6) / 1e6, 2);
});

test('a tie goes to the simpler', () => {
  const chooser = new Chooser([says('first', 10), says('second', 20)]);
  observe(chooser, 5, () => 15);
  assert.is(chooser.forecast().forecaster, 'first');
});

test('old errors are forgotten: after a change of regime the other one is chosen', () => {
  const chooser = new Chooser([says('ten', 10), says('twenty', 20)]);
  observe(chooser, 100, () => 10);
  assert.is(chooser.forecast().forecaster, 'ten');
  observe(chooser, 20, () => 20);
  assert.is(chooser.forecast().forecaster, 'twenty');
});

test('each is charged with what it had said of a window one to six windows before', () => {
  // Right about the next window, wrong by h - 1 about the one h ahead.
  const drifting: MakeForecaster = (past) => ({
    name: 'drifting',
    observe: () => {},
    forecast: (windows) => Array.from({ length: windows }, (_, step) => past.ago(0) + step),
  });
  const chooser = new Chooser([drifting]);
  observe(chooser, 400, () => 100);
  // (0 + 1 + 2 + 3 + 4 + 5) / 6, the first few windows forgotten.
  assert.ok(Math.abs(chooser.forecast().errorRps - 2.5) < 0.01, `${chooser.forecast().errorRps}`);
});

test('on a seasonal series the last value is not what is chosen once the season is known', () => {
  const random = seeded(21);
  const chooser = new Chooser();
  const load = (i: number) => 200 + 150 * Math.sin((2 * Math.PI * i) / 30) + 5 * random();
  observe(chooser, 240, load);
  assert.is(chooser.observedSinceSearch, 240);
  chooser.lookForSeason();
  assert.is(chooser.observedSinceSearch, 0);
  observe(chooser, 60, (i) => load(240 + i));
  const { forecaster, loadRps, errorRps } = chooser.forecast();
  assert.is.not(forecaster, 'naive');
  assert.is(loadRps.length, HORIZON);
  assert.ok(errorRps < 15, `the error was ${errorRps}`);
});

test('on a ramp Holt-Winters is chosen, on a walk of chance the last value mostly', () => {
  const ramp = new Chooser();
  observe(ramp, 60, (i) => 10 * i);
  assert.is(ramp.forecast().forecaster, 'holt-winters');
  let naive = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const walk = new Chooser();
    let loadRps = 1_000;
    observe(walk, 200, () => {
      loadRps += 20 * (random() - 0.5);
      return loadRps;
    });
    if (walk.forecast().forecaster !== 'holt-winters') naive += 1;
  }
  assert.ok(naive >= 13, `the simple ones were chosen on ${naive} of 20 walks`);
});

test.run();
