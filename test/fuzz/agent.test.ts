/** A small part of `npm run fuzz`: a real agent between hostile filters and a hostile controller. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzAgent } from './agent/fuzz-agent.ts';

test('2,000 requests and frames beside slow and idle senders: each counted, the agent well and as large as before', async () => {
  const figures = await fuzzAgent({ frames: 2_000, seed: 20_261_125, idleConnections: 100, slowConnections: 10 });
  assert.ok(figures.taken > 100 && figures.refused > 500, JSON.stringify(figures));
  assert.is(figures.slowRefused, 110);
});

test.run();
