/**
 * The door: what Envoy calls, and nothing else. A callback that is not exported is never made, so bodies pass by the VM, and
 * so does `proxy_on_done`, to which there is only one answer.
 *
 * No callback may trap: Envoy answers 503 to every request in flight on a worker whose VM did.
 */
import { allocateForHost, beginRequestCallback, beginRootCallback, reservedBytes } from './host/memory';
import * as plugin from './plugin';
import * as stream from './stream';

const CONTINUE: i32 = 0;

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(bytes: usize): usize {
  return allocateForHost(bytes);
}

/** Nothing to do, but a host tells no more of a context whose creation the module does not hear of. */
export function proxy_on_context_create(_contextId: u32, _parentId: u32): void {}

export function proxy_on_vm_start(_contextId: u32, _configurationBytes: u32): bool {
  return true;
}

export function proxy_on_configure(contextId: u32, configurationBytes: u32): bool {
  beginRootCallback();
  plugin.onConfigure(contextId, configurationBytes);
  return true;
}

export function proxy_on_tick(contextId: u32): void {
  beginRootCallback();
  plugin.onTick(contextId);
}

export function proxy_on_http_call_response(
  contextId: u32,
  token: u32,
  _headers: u32,
  bodyBytes: u32,
  _trailers: u32,
): void {
  beginRootCallback();
  plugin.onAnswer(contextId, token, bodyBytes);
}

export function proxy_on_request_headers(contextId: u32, _headers: u32, _isEnd: bool): i32 {
  beginRequestCallback();
  stream.onRequestHeaders(contextId);
  return CONTINUE;
}

export function proxy_on_response_headers(contextId: u32, _headers: u32, isEnd: bool): i32 {
  beginRequestCallback();
  stream.onResponseHeaders(contextId, isEnd);
  return CONTINUE;
}

export function proxy_on_response_trailers(contextId: u32, _trailers: u32): i32 {
  beginRequestCallback();
  stream.onResponseTrailers(contextId);
  return CONTINUE;
}

export function proxy_on_log(contextId: u32): void {
  beginRequestCallback();
  stream.onLog(contextId);
}

export function proxy_on_delete(contextId: u32): void {
  stream.onDelete(contextId);
  plugin.onDelete(contextId);
}

/** For tests: bytes taken for good. Envoy does not know it; a request must not change it. */
export function weir_reserved_bytes(): usize {
  return reservedBytes;
}
