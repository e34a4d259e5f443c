/**
 * What every proxy-wasm host has beside the ABI itself: a clock that nobody sets and real chance (WASI preview 1). The file
 * is named as the module that its functions are imported from, which is where asc takes that name from.
 */

/** Writes nanoseconds of a clock to `at`, a u64. Clock 1 is the monotonic one. 0 is success. */
export declare function clock_time_get(clock: u32, precision: u64, at: usize): u32;

/** Fills bytes with chance that nobody can guess. 0 is success. */
export declare function random_get(at: usize, bytes: usize): u32;
