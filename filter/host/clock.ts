/**
 * Time that never runs backwards, for everything that waits. The host's clock may be the wall's where it keeps the monotonic one
 * to itself: then a step back counts as no time at all, and a step forward makes what waits come early.
 */
import { nowNs } from './calls';

let lastNs: u64 = 0;
let elapsedNs: u64 = 0;

/** Nanoseconds since the first call, plus one second, so that 0 is always long ago. */
export function steadyNowNs(): u64 {
  const now = nowNs();
  if (elapsedNs == 0) elapsedNs = 1000000000;
  else if (now > lastNs) elapsedNs += now - lastNs;
  lastNs = now;
  return elapsedNs;
}
