/**
 * Who this proxy is, from its node metadata or, where the configuration says otherwise, from there; and the serialised
 * header maps that carry it with each call to the agent. Made once per configuration.
 */

import { MAX_NAME_BYTES } from '../agent/wire/layout';
import { ascii, Bytes } from './host/bytes';
import { readProperty, value } from './host/calls';
import { reserve } from './host/memory';

const MAP_BYTES: usize = 4096;
const HEADER_COUNT: u32 = 9;
const HAVE_DIGITS: u32 = 16;

const nodeIdPath = ascii('xds\0node\0id');
const nodeClusterPath = ascii('xds\0node\0cluster');
const namespacePath = ascii('xds\0node\0metadata\0NAMESPACE');
const zonePath = ascii('xds\0node\0locality\0zone');
const canonicalNamePath = ascii('xds\0node\0metadata\0LABELS\0service.istio.io/canonical-name');
const appLabelPath = ascii('xds\0node\0metadata\0LABELS\0app');
const workloadNamePath = ascii('xds\0node\0metadata\0WORKLOAD_NAME');

const nodeId = name();
const workload = name();
const namespace = name();
const zone = name();
const vm = name();

const methodKey = ascii(':method');
const pathKey = ascii(':path');
const authorityKey = ascii(':authority');
const contentTypeKey = ascii('content-type');
const nodeIdKey = ascii('x-weir-node-id');
const workloadKey = ascii('x-weir-workload');
const namespaceKey = ascii('x-weir-namespace');
const zoneKey = ascii('x-weir-zone');
const vmKey = ascii('x-weir-vm');
const post = ascii('POST');
const get = ascii('GET');
const samplesPath = ascii('/v1/samples');
const tablePath = ascii('/v1/table?have=0000000000000000');
const binary = ascii('application/octet-stream');

/** Serialised header maps, as proxy_http_call wants them. */
export const samplesHeaders: Bytes = map();
export const tableHeaders: Bytes = map();

/** Reads the node metadata, lets the overrides win (empty: none) and writes both header maps. */
export function identify(vmId: u64, authority: Bytes, asWorkload: Bytes, asNamespace: Bytes, asZone: Bytes): void {
  set(nodeId, readProperty(nodeIdPath) ? value : null);
  if (asWorkload.length > 0) set(workload, asWorkload);
  else if (
    isThere(appLabelPath) ||
    isThere(canonicalNamePath) ||
    isThere(workloadNamePath) ||
    isThere(nodeClusterPath)
  ) {
    set(workload, value);
  } else set(workload, null);
  set(namespace, asNamespace.length > 0 ? asNamespace : isThere(namespacePath) ? value : null);
  set(zone, asZone.length > 0 ? asZone : isThere(zonePath) ? value : null);
  writeHex(vm.at, vmId);
  vm.length = HAVE_DIGITS;
  serialise(samplesHeaders, post, samplesPath, authority);
  serialise(tableHeaders, get, tablePath, authority);
}

/** Puts the view in force into the path of the next table request. */
export function askWith(viewId: u64): void {
  if (tablePathEnd != 0) writeHex(tablePathEnd - HAVE_DIGITS, viewId);
}

/** Where the path ends in `tableHeaders`. */
let tablePathEnd: usize = 0;

function serialise(target: Bytes, method: Bytes, path: Bytes, authority: Bytes): void {
  const start = target.at;
  store<u32>(start, HEADER_COUNT);
  let sizes = start + 4;
  let place = sizes + <usize>HEADER_COUNT * 8;
  place = put(sizes, place, methodKey, method);
  place = put(sizes + 8, place, pathKey, path);
  if (target == tableHeaders) tablePathEnd = place - 1;
  place = put(sizes + 16, place, authorityKey, authority);
  place = put(sizes + 24, place, contentTypeKey, binary);
  place = put(sizes + 32, place, nodeIdKey, nodeId);
  place = put(sizes + 40, place, workloadKey, workload);
  place = put(sizes + 48, place, namespaceKey, namespace);
  place = put(sizes + 56, place, zoneKey, zone);
  place = put(sizes + 64, place, vmKey, vm);
  target.length = <u32>(place - start);
}

function put(sizes: usize, place: usize, key: Bytes, text: Bytes): usize {
  store<u32>(sizes, key.length);
  store<u32>(sizes + 4, text.length);
  memory.copy(place, key.at, key.length);
  store<u8>(place + key.length, 0);
  const at = place + key.length + 1;
  memory.copy(at, text.at, text.length);
  store<u8>(at + text.length, 0);
  return at + text.length + 1;
}

function isThere(path: Bytes): bool {
  return readProperty(path) && value.length > 0;
}

/** Copies a name, cut at MAX_NAME_BYTES, with what no header may hold replaced. */
function set(target: Bytes, source: Bytes | null): void {
  target.length = 0;
  if (source == null) return;
  const length = min<u32>(source.length, MAX_NAME_BYTES);
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(source.at + i);
    store<u8>(target.at + i, byte > 32 && byte < 127 ? byte : 95);
  }
  target.length = length;
}

function writeHex(at: usize, number: u64): void {
  for (let i: u32 = 0; i < HAVE_DIGITS; i++) {
    const digit = <u8>((number >> ((HAVE_DIGITS - 1 - i) * 4)) & 15);
    store<u8>(at + i, digit < 10 ? 48 + digit : 87 + digit);
  }
}

function name(): Bytes {
  return room(MAX_NAME_BYTES);
}

function map(): Bytes {
  return room(MAP_BYTES);
}

function room(bytes: usize): Bytes {
  const made = changetype<Bytes>(heap.alloc(offsetof<Bytes>()));
  made.at = reserve(bytes);
  made.length = 0;
  return made;
}
