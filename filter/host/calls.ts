/**
 * What the filter asks of the host, without pointers in its vocabulary. A value that comes back lies in the arena
 * until the next is read: `value` says where. The raw ABI is declared by the SDK package, whose classes are not used.
 */
import {
  proxy_get_buffer_bytes,
  proxy_get_current_time_nanoseconds,
  proxy_get_header_map_value,
  proxy_get_property,
  proxy_http_call,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_tick_period_milliseconds,
} from '@gcoredev/proxy-wasm-sdk-as/assembly/imports';
import { Bytes } from './bytes';
import { forgetValues, scratch } from './memory';
import { clock_time_get, random_get } from './wasi_snapshot_preview1';

export const REQUEST_HEADERS: i32 = 0;
export const RESPONSE_HEADERS: i32 = 2;
export const RESPONSE_TRAILERS: i32 = 3;
export const CALL_RESPONSE_HEADERS: i32 = 6;
export const CALL_RESPONSE_BODY: i32 = 4;
export const PLUGIN_CONFIGURATION: i32 = 7;

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const MONOTONIC_CLOCK: u32 = 1;

/** The last value read. Valid until the next read. */
export const value = changetype<Bytes>(heap.alloc(offsetof<Bytes>()));

/**
 * Nanoseconds on the host's monotonic clock. A host that keeps that from its modules (Envoy's capability restrictions) gives
 * those of the wall's clock, which may be set.
 */
export function nowNs(): u64 {
  if (clock_time_get(MONOTONIC_CLOCK, 1, scratch + 8) != 0) proxy_get_current_time_nanoseconds(scratch + 8);
  return load<u64>(scratch + 8);
}

/** 64 bits that differ between VMs that start in the same nanosecond; the time alone where the host gives no chance. */
export function chance(): u64 {
  proxy_get_current_time_nanoseconds(scratch + 8);
  const wallNs = load<u64>(scratch + 8);
  return random_get(scratch + 8, 8) == 0 ? wallNs ^ load<u64>(scratch + 8) : wallNs;
}

export function readProperty(path: Bytes): bool {
  beginRead();
  return keep(proxy_get_property(path.at, path.length, scratch, scratch + 4));
}

/** A property that is a whole number (CEL int or uint: 8 bytes), or `fallback`. */
export function readNumber(path: Bytes, fallback: u64): u64 {
  return readProperty(path) && value.length == 8 ? load<u64>(value.at) : fallback;
}

export function readHeader(map: i32, name: Bytes): bool {
  beginRead();
  return keep(proxy_get_header_map_value(map, name.at, name.length, scratch, scratch + 4));
}

/** Whether a request header is there, also when its value is larger than there is room for. */
export function hasRequestHeader(name: Bytes): bool {
  beginRead();
  return proxy_get_header_map_value(REQUEST_HEADERS, name.at, name.length, scratch, scratch + 4) != NOT_FOUND;
}

/** A header that is a whole number of at most 9 digits, or -1. */
export function readNumberHeader(map: i32, name: Bytes): i32 {
  if (!readHeader(map, name) || value.length == 0 || value.length > 9) return -1;
  let number: i32 = 0;
  for (let i: u32 = 0; i < value.length; i++) {
    const digit = <i32>load<u8>(value.at + i) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

export function readBuffer(kind: i32, length: u32): bool {
  beginRead();
  return keep(proxy_get_buffer_bytes(kind, 0, length, scratch, scratch + 4));
}

/**
 * Sets a request header. A host that speaks ABI 0.2.1 or older with a module, which this one declares, also clears its cached
 * route (`clear_route_cache`) whenever the module changes a request header; asking for that once more costs a call.
 */
export function replaceRequestHeader(name: Bytes, at: usize, length: u32): bool {
  return proxy_replace_header_map_value(REQUEST_HEADERS, name.at, name.length, at, length) == OK;
}

/** Removes a request header, and clears the cached route as above. */
export function removeRequestHeader(name: Bytes): bool {
  return proxy_remove_header_map_value(REQUEST_HEADERS, name.at, name.length) == OK;
}

export function setTickPeriod(ms: u32): void {
  proxy_set_tick_period_milliseconds(ms);
}

/** Starts an HTTP call to a cluster. Returns its token, or -1 when the host would not. `headers` is a serialised map. */
export function httpCall(cluster: Bytes, headers: Bytes, bodyAt: usize, bodyLength: u32, timeoutMs: u32): i64 {
  store<u32>(scratch + 8, 0);
  const status = proxy_http_call(
    cluster.at,
    cluster.length,
    headers.at,
    headers.length,
    bodyAt,
    bodyLength,
    0,
    0,
    timeoutMs,
    scratch + 8,
  );
  return status == OK ? <i64>load<u32>(scratch + 8) : -1;
}

function beginRead(): void {
  forgetValues();
  store<u32>(scratch, 0);
  store<u32>(scratch + 4, 0);
}

function keep(status: u32): bool {
  if (status != OK) return false;
  value.at = load<u32>(scratch);
  value.length = load<u32>(scratch + 4);
  return value.at != 0 || value.length == 0;
}
