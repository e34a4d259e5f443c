/** Finding the season of a series, and not finding one where there is none. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findSeason } from '../../../agent/forecast/season.ts';
import { seeded } from '../../support/random.ts';

const series = (count: number, loadRps: (i: number) => number) =>
  Float64Array.from({ length: count }, (_, i) => loadRps(i));
const sine = (i: number, season: number) => Math.sin((2 * Math.PI * i) / season);

for (const season of [4, 7, 24, 90, 300, 700]) {
  test(`a season of ${season} windows is found, and not a multiple of it`, () => {
    const found = findSeason(series(1_440, (i) => 100 + 50 * sine(i, season)));
    assert.ok(Math.abs(found - season) <= season / 100, `found ${found}`);
  });
}

test('noise of half the height does not hide it, a window more or less is the same season', () => {
  const random = seeded(11);
  const found = findSeason(series(1_440, (i) => 100 + 50 * sine(i, 60) + 50 * (random() - 0.5)));
  assert.ok(Math.abs(found - 60) <= 1, `found ${found}`);
});

test('a season on a trend is found', () => {
  assert.is(findSeason(series(480, (i) => 100 + 5 * i + 50 * sine(i, 24))), 24);
});

test('bursts at every twelfth window are a season', () => {
  assert.is(findSeason(series(240, (i) => (i % 12 === 0 ? 500 : 20))), 12);
});

test('a season seen once and a half is not believed yet', () => {
  assert.is(findSeason(series(90, (i) => 100 + 50 * sine(i, 60))), 0);
});

test('what is steady, growing or short has none', () => {
  assert.is(findSeason(series(500, () => 100)), 0);
  assert.is(findSeason(series(500, () => 0)), 0);
  assert.is(findSeason(series(500, (i) => i)), 0);
  assert.is(findSeason(series(0, () => 0)), 0);
  assert.is(findSeason(series(15, (i) => i % 5)), 0);
});

test('noise alone has one in fewer than one of a hundred series', () => {
  const random = seeded(12);
  let found = 0;
  for (let round = 0; round < 100; round++) if (findSeason(series(120, () => random() * 100)) > 0) found += 1;
  assert.ok(found <= 1, `${found} of 100 had a season`);
});

test('a walk of chance, which resembles itself at small lags, seldom has one', () => {
  const random = seeded(13);
  let found = 0;
  for (let round = 0; round < 50; round++) {
    let loadRps = 1_000;
    const walk = series(600, () => {
      loadRps += random() - 0.5;
      return loadRps;
    });
    if (findSeason(walk) > 0) found += 1;
  }
  assert.ok(found <= 10, `${found} of 50 walks had a season`);
});

test.run();
