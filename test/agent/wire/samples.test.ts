/** Samples messages: what goes in comes out, and nothing that a sender can think of does harm. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadFrame } from '../../../agent/errors.ts';
import * as layout from '../../../agent/wire/layout.ts';
import { decodeSamples, encodeSamples } from '../../../agent/wire/samples.ts';
import { seeded } from '../../support/random.ts';
import { edgeOf, samplesOf } from '../sketch.ts';

const full = samplesOf(
  [
    edgeOf({
      outcomes: [1, 2, 3, 4, 5, 6],
      retries: 7,
      inFlight: 8,
      latencySumUs: 2 ** 40,
      buckets: [0, 1, 5, 2, 321, 3],
    }),
    edgeOf({ cluster: 'outbound|80|v2|ä.shop', arm: 'trial', trialId: 0xffffffff, buckets: [17, 0xffffffff] }),
  ],
  {
    vmId: 'fedcba9876543210',
    sequence: 0xffffffff,
    viewId: '0123456789abcdef',
    tableEpoch: 3,
    tableNumber: 4,
    droppedCalls: 5,
    lostSamples: 6,
    strippedHeaders: 7,
    steeredCalls: 8,
    rejectedTables: 9,
    configErrors: 10,
  },
);

function refusal(bytes: Uint8Array): string {
  try {
    decodeSamples(bytes);
  } catch (error) {
    if (error instanceof BadFrame) return error.message;
    throw error;
  }
  return 'taken';
}

/** The full message with one number of its first edge changed. */
function changed(at: number, value: number, bytes: 1 | 2 | 4 = 2): Buffer {
  const message = encodeSamples(full);
  message.writeUIntLE(value, at, bytes);
  return message;
}

test('what was encoded is decoded as it was', () => {
  assert.equal(decodeSamples(encodeSamples(full)), full);
  assert.equal(decodeSamples(encodeSamples(samplesOf([]))), samplesOf([]));
});

test('a message cut off at any length is refused', () => {
  const bytes = encodeSamples(full);
  for (let length = 0; length < bytes.length; length++) {
    assert.not.equal(refusal(bytes.subarray(0, length)), 'taken', `taken at ${length} bytes`);
  }
});

test('a message with a byte too many is refused', () => {
  assert.match(refusal(Buffer.concat([encodeSamples(full), Buffer.alloc(1)])), '1 bytes after the last of its 2 edges');
});

const first = layout.SAMPLES_HEADER_BYTES;
const firstBucket = first + layout.EDGE_BYTES + 'shop-a'.length;
const wrong: readonly [what: string, message: Buffer, sentence: string][] = [
  ['another magic', changed(0, 0, 4), 'begins with "WSMP", this one with 0x00000000'],
  [
    'another version',
    changed(layout.SAMPLES_VERSION_AT, 9),
    `of version 9, this agent speaks ${layout.PROTOCOL_VERSION}`,
  ],
  ['more edges than there are', changed(layout.SAMPLES_EDGE_COUNT_AT, 3), 'edge 3 of 3'],
  ['an edge without a name', changed(first + layout.EDGE_NAME_BYTES_AT, 0), 'its name has 0 bytes'],
  ['a name past its limit', changed(first + layout.EDGE_NAME_BYTES_AT, 256), 'its name has 256 bytes'],
  ['an arm that nobody knows', changed(first + layout.EDGE_ARM_AT, 2, 1), 'its arm is 2'],
  ['more buckets than a histogram has', changed(first + layout.EDGE_BUCKET_COUNT_AT, 323), 'it has 323 buckets'],
  ['a bucket out of range', changed(firstBucket, 322), 'bucket index 322 is out of range'],
  ['a bucket twice', changed(firstBucket + 6, 0), 'bucket index 0 follows 0'],
  ['an empty bucket', changed(firstBucket + 2, 0, 4), 'bucket 0 is empty'],
  [
    'a latency sum past what a number holds',
    changed(first + layout.EDGE_LATENCY_SUM_US_AT + 4, 0xffffffff, 4),
    'no sum of calls',
  ],
];
for (const [what, message, sentence] of wrong) {
  test(`${what} is refused by name`, () => {
    assert.match(refusal(message), sentence);
  });
}

test('no bytes at all that chance makes do more than be refused', () => {
  const random = seeded(1);
  for (let round = 0; round < 3_000; round++) {
    const bytes = encodeSamples(full);
    for (let i = 0; i < 4; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    refusal(bytes);
    refusal(Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))));
  }
});

test('a message over the limit is refused before it is read', () => {
  assert.match(refusal(Buffer.alloc(layout.MAX_SAMPLES_BYTES + 1)), 'has 1048576 bytes at most');
});

test.run();
