/**
 * What the filter did and could not do since its last message; sent in the message's header, where the five fields stand in
 * this order from SAMPLES_DROPPED_CALLS_AT on.
 */
@unmanaged
class Counters {
  droppedCalls: u32;
  lostSamples: u32;
  strippedHeaders: u32;
  steeredCalls: u32;
  rejectedTables: u32;
}

export const counters = changetype<Counters>(heap.alloc(offsetof<Counters>()));
clearCounters();

export function clearCounters(): void {
  memory.fill(changetype<usize>(counters), 0, offsetof<Counters>());
}

/** Whether there is anything to tell. */
export function hasCounts(): bool {
  let any: u32 = 0;
  for (let offset: usize = 0; offset < offsetof<Counters>(); offset += 4) {
    any |= load<u32>(changetype<usize>(counters) + offset);
  }
  return any != 0;
}

/** Adds the counters of a message that nobody took, from their place in its header. */
export function addCounters(at: usize): void {
  for (let offset: usize = 0; offset < offsetof<Counters>(); offset += 4) {
    const place = changetype<usize>(counters) + offset;
    store<u32>(place, load<u32>(place) + load<u32>(at + offset));
  }
}
