/**
 * The raw proxy-wasm ABI 0.2.1 as far as the filter calls it: pointers and lengths on the module's side, strings and bytes on
 * the host's. Values go back through memory that the module itself hands out (`proxy_on_memory_allocate`), as in Envoy;
 * where it hands out none the call fails as Envoy's does.
 */

export const OK = 0;
export const NOT_FOUND = 1;
const BAD_ARGUMENT = 2;
const INVALID_MEMORY_ACCESS = 6;
const INTERNAL_FAILURE = 10;

// WASI's errno.
const SUCCESS = 0;
const INVALID = 28;
const NOT_CAPABLE = 76;
const MONOTONIC = 1;

export type Pairs = readonly (readonly [key: string, value: string])[];

/** What a host has to be able to do. `undefined`: there is no such thing. */
export interface HostCalls {
  wallNs(): bigint;
  /** Undefined: the module may not know. */
  monotonicNs(): bigint | undefined;
  /** 64 bits of chance; undefined: the module may have none. */
  random(): bigint | undefined;
  property(path: string): string | Uint8Array | undefined;
  header(map: number, name: string): string | undefined;
  replaceHeader(map: number, name: string, value: string): boolean;
  removeHeader(map: number, name: string): boolean;
  buffer(kind: number): Uint8Array | undefined;
  /** The call's token, or undefined when it could not be started. */
  httpCall(cluster: string, headers: Pairs, body: Uint8Array, timeoutMs: number): number | undefined;
  setTickPeriod(ms: number): void;
  log(level: number, text: string): void;
}

/** The module's side: its memory as it is now, and its own allocation. */
export interface Machine {
  memory(): Buffer;
  allocate(bytes: number): number;
}

/** What the module exports. */
export interface Callbacks extends Record<string, unknown> {
  proxy_on_memory_allocate(bytes: number): number;
  proxy_on_context_create(id: number, parent: number): void;
  proxy_on_vm_start(id: number, bytes: number): number;
  proxy_on_configure(id: number, bytes: number): number;
  proxy_on_tick(id: number): void;
  proxy_on_http_call_response(id: number, token: number, headers: number, bytes: number, trailers: number): void;
  proxy_on_request_headers(id: number, count: number, isEnd: number): number;
  proxy_on_response_headers(id: number, count: number, isEnd: number): number;
  proxy_on_response_trailers(id: number, count: number): number;
  proxy_on_log(id: number): void;
  proxy_on_delete(id: number): void;
  weir_reserved_bytes(): number;
}

export function abiImports(host: HostCalls, machine: Machine) {
  const text = (at: number, bytes: number) => machine.memory().toString('latin1', at, at + bytes);

  const giveBack = (value: string | Uint8Array | undefined, atPointer: number, lengthPointer: number): number => {
    if (value === undefined) return NOT_FOUND;
    let at = 0;
    if (value.length > 0) {
      at = machine.allocate(value.length);
      if (at === 0) return INVALID_MEMORY_ACCESS;
      // The allocation may have grown the memory, so it is looked at anew.
      if (typeof value === 'string') machine.memory().write(value, at, 'latin1');
      else machine.memory().set(value, at);
    }
    machine.memory().writeUInt32LE(at, atPointer);
    machine.memory().writeUInt32LE(value.length, lengthPointer);
    return OK;
  };

  return {
    /** The loader's type wants it; the filter is built without and imports none. */
    abort(): void {
      throw new Error('the module aborted');
    },
    proxy_log(level: number, at: number, bytes: number) {
      host.log(level, text(at, bytes));
      return OK;
    },
    proxy_set_tick_period_milliseconds(ms: number) {
      host.setTickPeriod(ms);
      return OK;
    },
    proxy_get_current_time_nanoseconds(pointer: number) {
      machine.memory().writeBigUInt64LE(host.wallNs(), pointer);
      return OK;
    },
    proxy_get_property(at: number, bytes: number, atPointer: number, lengthPointer: number) {
      return giveBack(host.property(text(at, bytes)), atPointer, lengthPointer);
    },
    proxy_get_header_map_value(map: number, at: number, bytes: number, atPointer: number, lengthPointer: number) {
      return giveBack(host.header(map, text(at, bytes)), atPointer, lengthPointer);
    },
    proxy_replace_header_map_value(map: number, at: number, bytes: number, valueAt: number, valueBytes: number) {
      return host.replaceHeader(map, text(at, bytes), text(valueAt, valueBytes)) ? OK : BAD_ARGUMENT;
    },
    proxy_remove_header_map_value(map: number, at: number, bytes: number) {
      return host.removeHeader(map, text(at, bytes)) ? OK : BAD_ARGUMENT;
    },
    proxy_get_buffer_bytes(kind: number, start: number, length: number, atPointer: number, lengthPointer: number) {
      return giveBack(host.buffer(kind)?.subarray(start, start + length), atPointer, lengthPointer);
    },
    proxy_http_call(
      clusterAt: number,
      clusterBytes: number,
      headersAt: number,
      headersBytes: number,
      bodyAt: number,
      bodyBytes: number,
      _trailersAt: number,
      _trailersBytes: number,
      timeoutMs: number,
      tokenPointer: number,
    ) {
      // Envoy reads a map without even a count as an empty one, and starts no call without a path.
      if (headersBytes < 4) return BAD_ARGUMENT;
      const memory = machine.memory();
      const headers = readPairs(memory.subarray(headersAt, headersAt + headersBytes));
      // Copied, as Envoy does: the module's buffer is its own again when the call returns.
      const body = Uint8Array.from(memory.subarray(bodyAt, bodyAt + bodyBytes));
      const token = host.httpCall(text(clusterAt, clusterBytes), headers, body, timeoutMs);
      if (token === undefined) return INTERNAL_FAILURE;
      machine.memory().writeUInt32LE(token, tokenPointer);
      return OK;
    },
  };
}

/** The part of WASI that the filter calls. */
export function wasiImports(host: HostCalls, machine: Machine) {
  const write = (value: bigint | undefined, at: number): number => {
    if (value === undefined) return NOT_CAPABLE;
    machine.memory().writeBigUInt64LE(value, at);
    return SUCCESS;
  };
  return {
    clock_time_get(clock: number, _precision: bigint, at: number) {
      return clock === MONOTONIC ? write(host.monotonicNs(), at) : INVALID;
    },
    random_get(at: number, bytes: number) {
      return bytes === 8 ? write(host.random(), at) : INVALID;
    },
  };
}

/** A serialised header map: count, then per pair two sizes, then per pair two texts, each with a zero behind it. */
function readPairs(bytes: Buffer): Pairs {
  const count = bytes.readUInt32LE(0);
  const pairs: [string, string][] = [];
  let place = 4 + count * 8;
  const take = (length: number): string => {
    const value = bytes.toString('latin1', place, place + length);
    if (bytes[place + length] !== 0) throw new Error(`no zero behind '${value}' in a header map`);
    place += length + 1;
    return value;
  };
  for (let i = 0; i < count; i++) {
    const key = take(bytes.readUInt32LE(4 + i * 8));
    pairs.push([key, take(bytes.readUInt32LE(8 + i * 8))]);
  }
  if (place !== bytes.length) throw new Error(`${bytes.length - place} bytes behind a header map of ${count}`);
  return pairs;
}
