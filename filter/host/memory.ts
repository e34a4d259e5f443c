/**
 * Memory in two kinds. `reserve` is for good: it is called at configuration, on ticks and when the agent answers, never while
 * a request passes. The arena is where the host puts every value it returns (it asks `proxy_on_memory_allocate` for room);
 * each read starts by forgetting what the one before returned, so nothing is ever freed and no collector runs.
 *
 * A value that the arena cannot hold goes to the spill, which grows, and therefore only outside requests: there a table is
 * the usual guest. For a request the host is told that there is no room, and the read fails as if memory were short.
 *
 * The runtime's allocator is used by initialisers alone, since it traps when memory cannot grow.
 */

/** Room for one value. Property values and headers are far below. */
const ARENA_BYTES: usize = 16384;
const PAGE_BYTES: usize = 65536;
const FIRST_SPILL_LIMIT_BYTES: usize = 1048576 + 4096;

const arenaBase: usize = heap.alloc(ARENA_BYTES);
let arenaTop: usize = arenaBase;

let maySpill: bool = true;
let spillBase: usize = 0;
let spillBytes: usize = 0;
let spillLimit: usize = FIRST_SPILL_LIMIT_BYTES;

/** Where what is free of the memory grown last begins and ends. */
let reserveTop: usize = 0;
let reserveEnd: usize = 0;

/** Where host calls write the results they return through pointers: address at 0, length at 4, a number at 8. */
export const scratch: usize = heap.alloc(16);

/** Bytes that were taken for good since the start. */
export let reservedBytes: usize = 0;

/** A callback that a request waits for begins: nothing may grow. */
export function beginRequestCallback(): void {
  maySpill = false;
}

/** A callback that no request waits for begins. */
export function beginRootCallback(): void {
  maySpill = true;
}

/** Forgets the values that the host returned, before it is asked for the next. */
export function forgetValues(): void {
  arenaTop = arenaBase;
}

/** Sets the largest value that the host may hand over at once. */
export function limitValues(bytes: usize): void {
  spillLimit = bytes;
}

/** Room for a value that the host returns; 0 when there is none, which the host reports as a failed call. */
export function allocateForHost(bytes: usize): usize {
  const size = (bytes + 7) & ~7;
  if (size < bytes) return 0;
  if (size <= arenaBase + ARENA_BYTES - arenaTop) {
    const at = arenaTop;
    arenaTop += size;
    return at;
  }
  if (!maySpill || size > spillLimit) return 0;
  if (size > spillBytes) {
    // At least twice the last one, so that all that were left behind together are no larger than it.
    const larger = max(size, spillBytes * 2);
    const at = reserve(larger);
    if (at == 0) return 0;
    spillBase = at;
    spillBytes = larger;
  }
  return spillBase;
}

/** Zeroed memory for good, aligned to 16 bytes, or 0 when the host gives no more. */
export function reserve(bytes: usize): usize {
  const size = (bytes + 15) & ~15;
  if (size < bytes) return 0;
  if (size > reserveEnd - reserveTop) {
    // New pages follow the ones before, unless an initialiser grew memory in between.
    const isNext = reserveEnd == <usize>memory.size() * PAGE_BYTES;
    const missing = isNext ? size - (reserveEnd - reserveTop) : size;
    const grownFrom = memory.grow(<i32>((missing - 1) / PAGE_BYTES + 1));
    if (grownFrom < 0) return 0;
    if (!isNext) reserveTop = <usize>grownFrom * PAGE_BYTES;
    reserveEnd = <usize>memory.size() * PAGE_BYTES;
  }
  // Pages come zeroed, and none is given out twice.
  const at = reserveTop;
  reserveTop += size;
  reservedBytes += size;
  return at;
}
