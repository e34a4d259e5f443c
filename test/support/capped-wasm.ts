/** A module whose memory may not grow past so many pages, as in a host that limits its VMs: `memory.grow` fails there. */

const MEMORY_SECTION = 5;
const HEADER_BYTES = 8;
const HAS_MAXIMUM = 1;

/** @param pages of 64 KiB, beyond those that the module starts with */
export function capped(module: Uint8Array, pages: number): Uint8Array {
  for (let at = HEADER_BYTES; at < module.length; ) {
    const length = read(module, at + 1);
    const start = length.next;
    if (module[at] === MEMORY_SECTION) {
      // One memory, no flags: its count, its flags, its least pages.
      const least = read(module, start + 2).value;
      const limits = Buffer.from([1, HAS_MAXIMUM, ...written(least), ...written(least + pages)]);
      const section = [MEMORY_SECTION, ...written(limits.length), ...limits];
      return Buffer.concat([module.subarray(0, at), Buffer.from(section), module.subarray(start + length.value)]);
    }
    at = start + length.value;
  }
  throw new Error('the module has no memory of its own');
}

/** A number in LEB128 and the place behind it. */
function read(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, next: at };
  }
}

function written(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...written(value >>> 7)];
}
