/** The smallest filter that Envoy runs: what a wasm filter costs before it does anything. */

const CONTINUE: i32 = 0;

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(_bytes: usize): usize {
  return 0;
}

export function proxy_on_context_create(_contextId: u32, _parentId: u32): void {}

export function proxy_on_vm_start(_contextId: u32, _configurationBytes: u32): bool {
  return true;
}

export function proxy_on_configure(_contextId: u32, _configurationBytes: u32): bool {
  return true;
}

export function proxy_on_request_headers(_contextId: u32, _headers: u32, _isEnd: bool): i32 {
  return CONTINUE;
}

export function proxy_on_response_headers(_contextId: u32, _headers: u32, _isEnd: bool): i32 {
  return CONTINUE;
}

export function proxy_on_log(_contextId: u32): void {}

export function proxy_on_done(_contextId: u32): bool {
  return true;
}

export function proxy_on_delete(_contextId: u32): void {}
