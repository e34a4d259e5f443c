/** Runs of bytes by address and length: what names, paths and header values are here. No strings after start-up. */

@unmanaged
export class Bytes {
  at: usize;
  length: u32;
}

/** A literal as bytes, kept for good. For constants at start-up only. */
export function ascii(text: string): Bytes {
  const bytes = changetype<Bytes>(heap.alloc(offsetof<Bytes>()));
  const at = heap.alloc(<usize>text.length + 1);
  for (let i = 0; i < text.length; i++) store<u8>(at + i, <u8>text.charCodeAt(i));
  bytes.at = at;
  bytes.length = <u32>text.length;
  return bytes;
}

export function isEqual(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  return aLength == bLength && memory.compare(a, b, aLength) == 0;
}

/** FNV-1a, 32 bit (draft-eastlake-fnv): short names, no keys that an attacker picks. */
export function hashOf(at: usize, length: u32): u32 {
  let hash: u32 = 2166136261;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(at + i)) * 16777619;
  return hash;
}
