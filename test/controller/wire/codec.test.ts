/** Frames that are none: refused by name and at once, whatever MessagePack lets them say. */
import { Packr } from 'msgpackr';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadFrame, decodeFromAgent, decodeFromController } from '../../../controller/wire/codec.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const report = {
  type: 'report',
  sequence: 1,
  windowStartMs: 0,
  windowMs: 1,
  forecasts: [],
  proxies: [],
  lostReports: 0,
};

/** A map whose one key is `type`, with this as its value. */
function typed(...value: readonly number[]): Buffer {
  return Buffer.from([0x81, 0xa4, ...Buffer.from('type'), ...value]);
}

function refusal(bytes: Uint8Array): string {
  for (const decode of [decodeFromAgent, decodeFromController]) {
    try {
      decode(bytes);
    } catch (error) {
      assert.instance(error, BadFrame);
      if (decode === decodeFromAgent) continue;
      return (error as Error).message;
    }
    throw new Error('it was taken');
  }
  return '';
}

test('a type that is no text is named by what it is', () => {
  assert.match(refusal(typed(0xc7, 1, 0x42, 5)), /not a value of type bigint$/);
  assert.match(refusal(typed(0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1)), /not a value of type object$/);
  for (const depth of [100, 1_000, 2_000, 3_000, 4_000]) {
    assert.match(
      refusal(typed(...new Array<number>(depth).fill(0x91), 0)),
      /not a value of type object$|not MessagePack/,
    );
  }
  assert.match(refusal(packr.pack({ type: 'x'.repeat(1_000) })), `not "${'x'.repeat(80)}"`);
  assert.match(refusal(packr.pack(7)), /not a value of type undefined$/);
});

test('a small frame that is wrong says where, a large one is refused without a search', () => {
  const small = packr.pack({ ...report, edges: [0] });
  assert.throws(() => decodeFromAgent(small), /wrong at \/edges\/0: must be object/);
  const large = packr.pack({ ...report, edges: new Array(400_000).fill(0) });
  assert.throws(() => decodeFromAgent(large), /^the report frame of 400\d\d\d bytes is wrong$/);
});

test.run();
