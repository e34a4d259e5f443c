/** A small part of `npm run fuzz`: a real controller between hostile agents and callers of its API. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzController } from './controller/fuzz-controller.ts';

test('3,000 frames and calls beside slow and idle connections: each counted, the controller well and as large as before', async () => {
  const figures = await fuzzController({ frames: 3_000, seed: 20_261_125, idleConnections: 100, slowConnections: 10 });
  assert.ok(figures.taken > 500 && figures.refused > 200, JSON.stringify(figures));
});

test.run();
