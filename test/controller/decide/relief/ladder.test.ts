/** The way back of a relieved backend: up in factors of three, down at once, and later each time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Evidence, evidenceOf } from '../../../../controller/decide/relief/judge.ts';
import {
  BLIND_MS,
  badRatioOf,
  climbsBefore,
  learnBadRatio,
  nextRung,
  nextShare,
  type Relief,
  startRelief,
  waitMs,
  wasItLoad,
} from '../../../../controller/decide/relief/ladder.ts';
import { drawsOf } from '../draws.ts';
import { counts, evidence, goodPast, noPast } from './hand-made.ts';

const PROBE = 0.02;
const relief = (more: Partial<Relief> = {}): Relief => ({
  ...startRelief('errors', badRatioOf(evidence({ failures: 54 })), PROBE, false, 0),
  ...more,
});
const good = evidence({ attempts: 10 });
const kindOf = (suffixes: readonly Evidence[], nowMs: number, isProbing = true, climbs = 0, of = relief()) =>
  nextRung(of, suffixes, isProbing, climbs, nowMs).kind;

test('relief starts at the probe share and remembers how bad it was', () => {
  assert.equal(relief(), {
    fault: 'errors',
    sinceMs: 0,
    share: PROBE,
    stepAtMs: 0,
    isDescending: false,
    badRatio: 0.9,
  });
});

test('rungs are factors of three', () => {
  const shares: number[] = [];
  for (const of = relief(); of.share < 1; of.share = nextShare(of.share)) shares.push(Math.round(of.share * 100));
  assert.equal(shares, [2, 6, 18, 54]);
});

test('the first climb waits 4 s, rungs after it 3 s, and each failed climb doubles the first wait, up to two minutes', () => {
  assert.equal(
    [0, 1, 2, 3, 4, 5, 60, 5_000].map((climbs) => waitMs(true, climbs) / 1_000),
    [4, 8, 16, 32, 64, 120, 120, 120],
  );
  assert.equal(
    [0, 5].map((climbs) => waitMs(false, climbs)),
    [3_000, 3_000],
  );
});

test('it climbs on good calls, but not before its time', () => {
  assert.is(kindOf([good], 3_999), 'stay');
  assert.is(kindOf([good], 4_000), 'up');
  assert.is(kindOf([good], 4_000, true, 1), 'stay');
  assert.is(kindOf([good], 8_000, true, 1), 'up');
  assert.is(kindOf([good], 3_000, false), 'up');
});

test('without calls, or with fewer than three, it stays', () => {
  assert.is(kindOf([], 60_000), 'stay');
  assert.is(kindOf([evidence({ attempts: 2 })], 60_000), 'stay');
  assert.is(kindOf([evidence({ attempts: 3 })], 60_000), 'up');
  // Of three good calls a backend of which half failed has one chance in eight.
  assert.is(kindOf([evidence({ attempts: 3 })], 60_000, true, 0, relief({ badRatio: 0.5 })), 'stay');
  assert.is(kindOf([evidence({ attempts: 0, answered: 0, lossSumMs: 0 })], 60_000), 'stay');
});

test('probes tell how bad it is where the window of the fault held good calls too, but not by a few of them', () => {
  const of = relief({ badRatio: 0.37 });
  assert.is(kindOf([evidence({ attempts: 5 })], 60_000, true, 0, of), 'stay');
  learnBadRatio(of, evidence({ attempts: 4, failures: 4 }));
  assert.is(of.badRatio, 0.37);
  learnBadRatio(of, evidence({ attempts: 9, failures: 8, slow: 1 }));
  assert.is(of.badRatio, 0.9);
  learnBadRatio(of, evidence({ attempts: 30, failures: 8 }));
  assert.is(of.badRatio, 0.9);
  assert.is(kindOf([evidence({ attempts: 3 })], 60_000, true, 0, of), 'up');
});

test('less load shows within 8 s', () => {
  assert.is(wasItLoad(relief({ stepAtMs: 2_000 }), 10_000), true);
  assert.is(wasItLoad(relief({ stepAtMs: 2_000 }), 10_001), false);
});

test('the newest calls decide: bad ones before them do not hold it down', () => {
  const recovered = [good, evidence({ attempts: 20, failures: 10 })];
  assert.is(kindOf(recovered, 10_000), 'up');
  assert.is(nextRung(relief(), recovered, true, 0, 10_000).kind === 'up' && recovered[0], good);
});

test('calls as bad as at the fault keep it down, on the lowest rung and on others', () => {
  const bad = evidence({ attempts: 10, failures: 9 });
  assert.is(kindOf([bad], 60_000), 'stay');
  assert.is(kindOf([bad], 60_000, false), 'down');
});

test('on the way up it falls at once, without waiting for its rung', () => {
  const bad = evidence({ attempts: 10, failures: 4 });
  assert.is(kindOf([bad], 100, false), 'down');
  assert.is(kindOf([good, bad], 100, false), 'down', 'a window before the newest counts too');
});

test('a single failure makes nothing fall', () => {
  assert.is(kindOf([evidence({ attempts: 10, failures: 1 })], 100, false), 'stay');
});

test('a fault of a few in a hundred takes many good calls to be gone', () => {
  const mild = relief({ badRatio: 0.12 });
  assert.is(kindOf([evidence({ attempts: 20 })], 60_000, true, 0, mild), 'stay', 'they may be luck');
  assert.is(kindOf([evidence({ attempts: 60 })], 60_000, true, 0, mild), 'up');
});

test('slow calls are bad calls, and so is a mean of twice the past', () => {
  assert.is(kindOf([evidence({ attempts: 10, slow: 6 })], 60_000, false), 'down');
  assert.is(kindOf([evidence({ attempts: 10, slow: 3 })], 60_000), 'stay');
  assert.is(kindOf([evidence({ attempts: 10, lossSumMs: 10 * 60 })], 60_000), 'stay');
});

test('a backend without a past climbs on its own good calls', () => {
  assert.is(kindOf([evidence({ attempts: 10 }, noPast)], 60_000), 'up');
});

test('a fault that returns soon after counts as a failed climb, one that returns late does not', () => {
  assert.is(climbsBefore(2, 100_000, 399_999), 3);
  assert.is(climbsBefore(2, 100_000, 400_000), 0);
  assert.is(climbsBefore(0, Number.NEGATIVE_INFINITY, 0), 0);
});

/** Seconds until share is won back whole, calls drawn by chance at 60 a second; `errorRatio` of the second after the fault. */
function secondsToReturn(seed: number, errorRatio: (second: number) => number): { seconds: number; falls: number } {
  const draws = drawsOf(seed);
  const of = relief();
  let falls = 0;
  let windows: { atMs: number; of: ReturnType<typeof counts> }[] = [];
  for (let second = 1; second <= 600; second++) {
    const nowMs = second * 1_000;
    const attempts = draws.poisson(60 * of.share);
    let failures = 0;
    for (let i = 0; i < attempts; i++) if (draws.uniform() < errorRatio(second)) failures += 1;
    windows.push({ atMs: nowMs, of: counts({ attempts, failures }) });
    windows = windows.slice(-60).filter(({ atMs }) => atMs > of.stepAtMs + BLIND_MS);
    const suffixes = windows.map((_, i) =>
      evidenceOf(
        windows.slice(-(i + 1)).map((each) => each.of),
        goodPast,
      ),
    );
    const rung = nextRung(of, suffixes, of.share <= PROBE, falls, nowMs);
    if (rung.kind === 'stay') continue;
    of.stepAtMs = nowMs;
    if (rung.kind === 'down') {
      falls += 1;
      of.share = PROBE;
    } else {
      of.share = nextShare(of.share);
      if (of.share >= 0.33) return { seconds: second, falls };
    }
  }
  return { seconds: Number.POSITIVE_INFINITY, falls };
}

test('one that is well again has its third of the load back within some 20 s', () => {
  const seconds = Array.from({ length: 100 }, (_, i) => secondsToReturn(i + 1, () => 0).seconds).sort((a, b) => a - b);
  assert.ok((seconds[0] ?? 0) >= 10, 'each rung has its time');
  assert.ok((seconds[50] ?? 99) <= 16, `median ${seconds[50]} s`);
  assert.ok((seconds[95] ?? 99) <= 25, `95 of 100 within ${seconds[95]} s`);
});

test('one that still fails nine calls of ten never returns, and hardly ever gets off the lowest rung', () => {
  let falls = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const way = secondsToReturn(seed, () => 0.9);
    assert.is(way.seconds, Number.POSITIVE_INFINITY);
    falls += way.falls;
  }
  assert.ok(falls <= 10, `${falls} falls in 20 × ten minutes`);
});

test('one that fails whenever it gets load falls again and again, each time later', () => {
  const of = { seconds: 0, falls: 0 };
  for (let seed = 1; seed <= 20; seed++) {
    const { seconds, falls } = secondsToReturn(seed, (second) => (second % 9 < 6 ? 0 : 0.9));
    of.falls += falls;
    of.seconds += Number.isFinite(seconds) ? 1 : 0;
  }
  assert.ok(of.falls >= 20 && of.falls <= 20 * 9, `${of.falls} falls in 20 × ten minutes`);
});

test.run();
