/**
 * The plugin configuration: one flat JSON object, all keys optional. Istio and Envoy hand it over as JSON text. A wrong key
 * costs a line in the log and a count; the default stands in for it, since a proxy must never be kept from starting by this.
 */

import { MAX_NAME_BYTES, MAX_TABLE_BYTES } from '../agent/wire/layout';
import { ascii, Bytes, isEqual } from './host/bytes';
import { add, addBytes, addName, addNumber, begin, warn } from './host/log';

/** A number with its bounds, both included. */
class NumberKey {
  value: u32;
  constructor(
    readonly key: Bytes,
    readonly fallback: u32,
    readonly least: u32,
    readonly most: u32,
  ) {
    this.value = fallback;
  }
}

/** A text of at most MAX_NAME_BYTES. One that has a default may not be empty. */
class TextKey {
  readonly value: Bytes;
  constructor(
    readonly key: Bytes,
    readonly fallback: Bytes,
  ) {
    this.value = changetype<Bytes>(heap.alloc(offsetof<Bytes>()));
    this.value.at = heap.alloc(MAX_NAME_BYTES);
    this.value.length = 0;
  }
}

/** Envoy cluster by which the agent is reached. */
export const agentCluster = new TextKey(ascii('agent_cluster'), ascii('weir-agent'));
/** Host header of calls to the agent; empty: the cluster's name. */
export const agentAuthority = new TextKey(ascii('agent_authority'), ascii(''));
/** These three win over node metadata when they are not empty. */
export const workload = new TextKey(ascii('workload'), ascii(''));
export const namespace = new TextKey(ascii('namespace'), ascii(''));
export const zone = new TextKey(ascii('zone'), ascii(''));
export const sampleIntervalMs = new NumberKey(ascii('sample_interval_ms'), 1000, 200, 60000);
export const idleIntervalMs = new NumberKey(ascii('idle_interval_ms'), 10000, 1000, 600000);
export const maxClusters = new NumberKey(ascii('max_clusters'), 512, 1, 4096);
export const maxTableBytes = new NumberKey(ascii('max_table_bytes'), MAX_TABLE_BYTES, 1024, MAX_TABLE_BYTES);

const texts = StaticArray.fromArray<TextKey>([agentCluster, agentAuthority, workload, namespace, zone]);
const numbers = StaticArray.fromArray<NumberKey>([sampleIntervalMs, idleIntervalMs, maxClusters, maxTableBytes]);

/** Wrong keys in the configuration in force. */
export let errorCount: u32 = 0;

const QUOTE: u8 = 34;
const COMMA: u8 = 44;
const COLON: u8 = 58;
const BACKSLASH: u8 = 92;
const OPEN: u8 = 123;
const CLOSE: u8 = 125;

let cursor: usize = 0;
let end: usize = 0;

/** Takes a configuration; empty means all defaults. */
export function configure(at: usize, length: u32): void {
  errorCount = 0;
  for (let i = 0; i < texts.length; i++) setText(texts[i].value, texts[i].fallback.at, texts[i].fallback.length);
  for (let i = 0; i < numbers.length; i++) numbers[i].value = numbers[i].fallback;
  cursor = at;
  end = at + length;
  skipSpace();
  if (cursor == end) return;
  if (!parseObject()) {
    begin('the plugin configuration is not a flat JSON object of texts and whole numbers (byte ');
    addNumber(<u64>(cursor - at));
    add(
      '); what was read before that place is in force, the rest has its defaults; Envoy takes it as a google.protobuf.StringValue',
    );
    complain();
  }
}

/** Takes note of a configuration that is too large to be read; all keys have their defaults. */
export function refuse(length: u32): void {
  configure(0, 0);
  begin('the plugin configuration of ');
  addNumber(length);
  add(' bytes is too large to be read; all keys have their defaults');
  complain();
}

function parseObject(): bool {
  if (!take(OPEN)) return false;
  if (take(CLOSE)) return atEnd();
  for (;;) {
    const keyAt = cursor + 1;
    if (!skipText()) return false;
    const keyLength = <u32>(cursor - 1 - keyAt);
    if (!take(COLON)) return false;
    const valueAt = cursor;
    if (!skipScalar()) return false;
    assign(keyAt, keyLength, valueAt, <u32>(cursor - valueAt));
    if (take(COMMA)) {
      skipSpace();
      continue;
    }
    return take(CLOSE) && atEnd();
  }
}

function assign(keyAt: usize, keyLength: u32, at: usize, length: u32): void {
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i];
    if (!isEqual(text.key.at, text.key.length, keyAt, keyLength)) continue;
    const least: u32 = text.fallback.length > 0 ? 1 : 0;
    if (length >= least + 2 && load<u8>(at) == QUOTE && isPlain(at + 1, length - 2)) {
      setText(text.value, at + 1, length - 2);
    } else refuseText(keyAt, keyLength, at, length, least);
    return;
  }
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i];
    if (!isEqual(number.key.at, number.key.length, keyAt, keyLength)) continue;
    const parsed = wholeNumber(at, length);
    if (parsed >= <i64>number.least && parsed <= <i64>number.most) {
      number.value = <u32>parsed;
      return;
    }
    begin('plugin configuration: ');
    addBytes(keyAt, keyLength);
    add(' must be a whole number from ');
    addNumber(number.least);
    add(' to ');
    addNumber(number.most);
    add(', not ');
    addBytes(at, min<u32>(length, 80));
    add('; using ');
    addNumber(number.fallback);
    complain();
    return;
  }
  begin('plugin configuration: ');
  addBytes(keyAt, min<u32>(keyLength, 80));
  add(' is not known and has no effect; known are');
  for (let i = 0; i < texts.length; i++) addKnown(texts[i].key);
  for (let i = 0; i < numbers.length; i++) addKnown(numbers[i].key);
  complain();
}

function addKnown(key: Bytes): void {
  add(' ');
  addName(key);
}

function refuseText(keyAt: usize, keyLength: u32, at: usize, length: u32, least: u32): void {
  begin('plugin configuration: ');
  addBytes(keyAt, keyLength);
  add(' must be a text of ');
  addNumber(least);
  add(' to 255 bytes with no escapes, not ');
  addBytes(at, min<u32>(length, 80));
  add('; using its default');
  complain();
}

function complain(): void {
  errorCount++;
  warn();
}

function setText(target: Bytes, at: usize, length: u32): void {
  memory.copy(target.at, at, length);
  target.length = length;
}

function isPlain(at: usize, length: u32): bool {
  if (length > MAX_NAME_BYTES) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == BACKSLASH || byte < 32 || byte == 127) return false;
  }
  return true;
}

/** -1 where the text is no whole number of at most 10 digits. Protobuf's JSON writes 1000 as `1000` or `1000.0`. */
function wholeNumber(at: usize, length: u32): i64 {
  if (length > 2 && load<u8>(at + length - 2) == 46 && load<u8>(at + length - 1) == 48) length -= 2;
  if (length == 0 || length > 10) return -1;
  let number: i64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <i64>load<u8>(at + i) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function take(byte: u8): bool {
  skipSpace();
  if (cursor == end || load<u8>(cursor) != byte) return false;
  cursor++;
  skipSpace();
  return true;
}

function atEnd(): bool {
  skipSpace();
  return cursor == end;
}

function skipSpace(): void {
  while (cursor < end && load<u8>(cursor) <= 32) cursor++;
}

function skipText(): bool {
  if (cursor == end || load<u8>(cursor) != QUOTE) return false;
  cursor++;
  while (cursor < end) {
    const byte = load<u8>(cursor++);
    if (byte == QUOTE) return true;
    if (byte == BACKSLASH && cursor < end) cursor++;
  }
  return false;
}

/** A text, or a run of what numbers and words are made of. Objects and lists are refused: nothing here has them. */
function skipScalar(): bool {
  if (cursor < end && load<u8>(cursor) == QUOTE) return skipText();
  const start = cursor;
  while (cursor < end) {
    const byte = load<u8>(cursor);
    const isPart =
      (byte >= 48 && byte <= 57) || (byte >= 97 && byte <= 122) || byte == 43 || byte == 45 || byte == 46 || byte == 69;
    if (!isPart) break;
    cursor++;
  }
  return cursor > start;
}
