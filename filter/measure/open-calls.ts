/**
 * The calls that are under way: one fixed record each, found by the host's context id. The table is open-addressed and
 * grows on ticks only; a request that finds no room goes on unmeasured and is counted as dropped.
 */
import { reserve } from '../host/memory';
import { Cluster } from './clusters';

/** Three quarters of it may be open at once before the first tick that makes more room. */
const FIRST_CAPACITY: u32 = 2048;
const MAX_CAPACITY: u32 = 65536;

@unmanaged
export class OpenCall {
  /** 0: the record is free. The host numbers contexts from 1. */
  contextId: u32;
  /** HTTP status of the answer; 0 before it came. */
  status: u32;
  /** grpc-status; -1 when the call is not gRPC or has not ended. */
  grpcStatus: i32;
  arm: u32;
  trialId: u32;
  cluster: Cluster | null;
  startNs: u64;
  /** Instant of the response headers; 0 before they came. */
  answeredNs: u64;
}

const CALL_BYTES: u32 = (offsetof<OpenCall>() + 7) & ~7;

let calls: usize = 0;
let mask: u32 = 0;
let used: u32 = 0;

/** Makes room. At configuration and on ticks only. */
export function prepareCalls(): void {
  const capacity: u32 = calls == 0 ? 0 : mask + 1;
  if (capacity != 0 && (used * 2 < capacity || capacity >= MAX_CAPACITY)) return;
  const larger = capacity == 0 ? FIRST_CAPACITY : capacity * 2;
  const place = reserve(<usize>larger * CALL_BYTES);
  if (place == 0) return;
  const old = calls;
  calls = place;
  mask = larger - 1;
  for (let i: u32 = 0; i < capacity; i++) {
    const call = changetype<OpenCall>(old + i * CALL_BYTES);
    if (call.contextId != 0)
      memory.copy(changetype<usize>(vacancyFor(call.contextId)), changetype<usize>(call), CALL_BYTES);
  }
}

/** A zeroed record for a new call, or null when there is no room. */
export function openCall(contextId: u32): OpenCall | null {
  // A quarter stays free, so that searches end soon; and an id that is open already is not opened twice.
  if (calls == 0 || contextId == 0 || used >= mask - (mask >> 2) || findCall(contextId) != null) return null;
  const call = vacancyFor(contextId);
  memory.fill(changetype<usize>(call), 0, CALL_BYTES);
  call.contextId = contextId;
  call.grpcStatus = -1;
  used++;
  return call;
}

export function findCall(contextId: u32): OpenCall | null {
  if (calls == 0 || contextId == 0) return null;
  let slot = homeOf(contextId);
  let call = callAt(slot);
  while (call.contextId != 0 && call.contextId != contextId) {
    slot = (slot + 1) & mask;
    call = callAt(slot);
  }
  return call.contextId == 0 ? null : call;
}

/** Frees a record and closes the gap behind it (Knuth, vol. 3, algorithm 6.4R), so that no tombstones pile up. */
export function closeCall(call: OpenCall): void {
  let hole = <u32>((changetype<usize>(call) - calls) / CALL_BYTES);
  let slot = hole;
  for (;;) {
    slot = (slot + 1) & mask;
    const next = callAt(slot);
    if (next.contextId == 0) break;
    const home = homeOf(next.contextId);
    const stays = hole <= slot ? hole < home && home <= slot : hole < home || home <= slot;
    if (stays) continue;
    memory.copy(changetype<usize>(callAt(hole)), changetype<usize>(next), CALL_BYTES);
    hole = slot;
  }
  callAt(hole).contextId = 0;
  used--;
}

function vacancyFor(contextId: u32): OpenCall {
  let slot = homeOf(contextId);
  while (callAt(slot).contextId != 0) slot = (slot + 1) & mask;
  return callAt(slot);
}

function callAt(slot: u32): OpenCall {
  return changetype<OpenCall>(calls + <usize>slot * CALL_BYTES);
}

/** Fibonacci hashing: context ids come in ascending order and in strides. */
function homeOf(contextId: u32): u32 {
  return ((contextId * 2654435769) >> 8) & mask;
}
