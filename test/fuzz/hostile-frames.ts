/** MessagePack that no honest peer sends: nested without end, of huge declared lengths, of types outside the protocol. */
import { Packr } from 'msgpackr';
import type { Chance } from './chance.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const TYPE = Buffer.from([0x81, 0xa4, ...Buffer.from('type')]);
/** A list within a list within ... */
const NEST = 0x91;
/** Heads of a text, bytes, a list, a map and an extension of 2^31 items or bytes. */
const HUGE = [0xdb, 0xc6, 0xdd, 0xdf, 0xc9] as const;

/**
 * @param valid a frame of the protocol, for what is only a little wrong
 * @param isWanted whether the frame will do; when nothing else does, plain garbage is returned
 */
export function hostileFrame(chance: Chance, valid: Uint8Array, isWanted: (bytes: Uint8Array) => boolean): Uint8Array {
  for (let tries = 0; tries < 20; tries++) {
    const frame = make(chance, valid);
    if (isWanted(frame)) return frame;
  }
  return Buffer.from([0xc1]);
}

function make(chance: Chance, valid: Uint8Array): Uint8Array {
  const kind = chance.below(100);
  if (kind < 45) return chance.mutated(valid);
  if (kind < 55) return Buffer.from(valid.subarray(0, chance.below(valid.length)));
  if (kind < 65) return chance.bytes(chance.below(300));
  if (kind < 72) return Buffer.concat([chance.is(0.5) ? TYPE : Buffer.alloc(0), deep(chance)]);
  if (kind < 80) return Buffer.concat([chance.is(0.5) ? TYPE : Buffer.alloc(0), huge(chance)]);
  if (kind < 88) return Buffer.concat([TYPE, strange(chance)]);
  if (kind < 99) return packr.pack(otherwise(chance));
  return wideList(chance);
}

function deep(chance: Chance): Buffer {
  return Buffer.concat([Buffer.alloc(chance.of([100, 1_000, 3_000, 20_000, 300_000]), NEST), Buffer.from([0])]);
}

function huge(chance: Chance): Buffer {
  const one = Buffer.from([chance.of(HUGE), chance.of([0x01, 0x7f, 0xff]), 0xff, 0xff, 0xff]);
  return Buffer.concat(new Array<Buffer>(1 + chance.below(40)).fill(one));
}

/** A big integer, a ring, a set, an expression, an error, a date. */
function strange(chance: Chance): Buffer {
  return chance.of([
    Buffer.from([0xc7, 1, 0x42, 5]),
    Buffer.from([0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]),
    Buffer.from([0xd4, 0x73, 0, 0x91, 1]),
    Buffer.from([0xd4, 0x78, 0, 0x92, 0xa1, 0x28, 0xa0]),
    Buffer.from([0xd4, 0x65, 0, 0x92, 0xa1, 0x45, 0xa1, 0x78]),
    Buffer.from([0xd6, 0xff, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ]);
}

function otherwise(chance: Chance): unknown {
  const type = chance.of(['hello', 'report', 'ack', 'welcome', 'tables', 'refuse', '__proto__', '']);
  return chance.of<unknown>([
    null,
    7,
    'hello',
    [],
    { type },
    { type, protocol: 2 },
    { type, sequence: -1, edges: {}, services: null },
    { type, sequence: 1.5, epoch: Number.NaN, number: 2 ** 60 },
    { ...{ type, constructor: 1, __proto__: { epoch: 1 } } },
  ]);
}

/** A report whose every edge is wrong: to say of each what is wrong would take seconds. */
function wideList(chance: Chance): Uint8Array {
  const edges = new Array<number>(chance.of([100, 30_000, 1_000_000])).fill(0);
  const rest = { sequence: 1, windowStartMs: 0, windowMs: 1, forecasts: [], proxies: [], lostReports: 0 };
  return packr.pack({ type: chance.of(['report', 'tables']), ...rest, edges, services: edges });
}
