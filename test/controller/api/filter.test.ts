/** The filter for proxies to fetch, by the digest of its bytes. */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Api, createApi } from '../../../controller/api/api.ts';
import { type FilterModule, filterPath, readFilter } from '../../../controller/filter-module.ts';

const test = suite<{ api: Api; faults: Error[] }>('filter by HTTP');

async function open(context: { api: Api; faults: Error[] }, filter: FilterModule | undefined): Promise<void> {
  context.faults = [];
  const none = () => {
    throw new Error('nobody asks for it here');
  };
  context.api = await createApi({
    release: '1.2.3',
    readings: {
      graph: none,
      configured: none,
      services: none,
      demand: none,
      routes: none,
      called: none,
      tables: none,
      agents: none,
      decisions: none,
    },
    changes: { freeze: none, unfreeze: none, pin: none, unpin: none, revert: none },
    health: { whyNotAlive: () => undefined, whyNotReady: () => undefined, metrics: none },
    ...(filter && { filter }),
    onFault: (error) => context.faults.push(error),
  });
}
test.after.each(({ api }) => api.close());

test('the module that was built is served under its digest', async (context) => {
  const filter = readFilter();
  if (!filter) throw new Error('the filter is not built: run npm run build');
  await open(context, filter);
  const answer = await context.api.inject(filterPath(filter));
  assert.is(answer.statusCode, 200);
  assert.is(answer.headers['content-type'], 'application/wasm');
  assert.is(createHash('sha256').update(answer.rawPayload).digest('hex'), filter.sha256);
  assert.equal([...answer.rawPayload.subarray(0, 4)], [0, 0x61, 0x73, 0x6d]);
});

test('another digest is answered with what Istio tries again at, and is no fault of ours', async (context) => {
  await open(context, { bytes: Buffer.from('x'), sha256: '1'.repeat(64) });
  const answer = await context.api.inject(`/v1/filter/${'0'.repeat(64)}.wasm`);
  assert.is(answer.statusCode, 503);
  assert.match(answer.json().message, `this controller has ${'1'.repeat(64)}`);
  assert.equal(context.faults, []);
});

test('without a filter, or with another name, it says so', async (context) => {
  await open(context, undefined);
  const answer = await context.api.inject(`/v1/filter/${'0'.repeat(64)}.wasm`);
  assert.match(answer.json().message, 'this controller was built without the filter');
  assert.is((await context.api.inject('/v1/filter/weir.wasm')).statusCode, 400);
});

test.run();
