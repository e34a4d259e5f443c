/** What all calls of a window say of both arms: unbiased where draws depart from weights, and free of the luck of the draw. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { armsByStrata, type Strata } from '../../../controller/trial/strata.ts';

const from = { near: 5_000, far: 5_000 };
const to = { near: 9_000, far: 1_000 };
const sum = (attempts: number, meanMs: number) => ({ attempts, failures: 0, lossSumMs: attempts * meanMs });
const mean = ({ attempts, lossSumMs }: { attempts: number; lossSumMs: number }) => lossSumMs / attempts;

test('an arm costs what its shares say of the means at the backends, whichever arm their calls came from', () => {
  // By luck all ten calls of the trial arm went far; the means at the backends are what they are.
  const byBackend = new Map([
    ['near', sum(50, 10)],
    ['far', sum(60, 100)],
  ]);
  const arms = { trial: sum(10, 100), stable: sum(100, 55), byBackend };
  const told = armsByStrata(new Map(), from, to, arms);
  // 109 calls were expected in all: near 50 of 59, far 60 of 51.
  const near = 50 / 59;
  const far = 60 / 51;
  const expected = (a: number, b: number) => (a * near * 10 + b * far * 100) / (a * near + b * far);
  assert.ok(told);
  assert.ok(Math.abs(mean(told.trial) - expected(0.9, 0.1)) < 1e-9);
  assert.ok(Math.abs(mean(told.stable) - expected(0.5, 0.5)) < 1e-9);
  assert.is(told.trial.attempts, 110);
});

test('draws that follow the weights give the plain means', () => {
  const byBackend = new Map([
    ['near', sum(590, 10)],
    ['far', sum(510, 100)],
  ]);
  const told = armsByStrata(new Map(), from, to, { trial: sum(100, 19), stable: sum(1_000, 55), byBackend });
  assert.ok(told);
  assert.ok(Math.abs(mean(told.trial) - 19) < 1e-9);
  assert.ok(Math.abs(mean(told.stable) - 55) < 1e-9);
});

test('a backend without a call in the window counts by its mean since the trial began', () => {
  const strata: Strata = new Map();
  const first = new Map([
    ['near', sum(100, 10)],
    ['far', sum(100, 100)],
  ]);
  armsByStrata(strata, from, to, { trial: sum(0, 0), stable: sum(200, 55), byBackend: first });
  const second = new Map([['near', sum(100, 10)]]);
  const told = armsByStrata(strata, from, to, { trial: sum(0, 0), stable: sum(100, 10), byBackend: second });
  assert.ok(told);
  assert.ok(mean(told.stable) > 10 && mean(told.stable) < 55, `${mean(told.stable)} ms`);
});

test('before a backend that is drawn was ever seen nothing is said; the same weights in both arms never differ', () => {
  const arms = { trial: sum(50, 10), stable: sum(50, 10), byBackend: new Map([['near', sum(100, 10)]]) };
  assert.is(armsByStrata(new Map(), from, to, arms), undefined);
  const same = armsByStrata(new Map(), { near: 10_000, far: 0 }, { near: 10_000, far: 0 }, arms);
  assert.ok(same);
  assert.is(mean(same.trial), mean(same.stable));
});

test.run();
