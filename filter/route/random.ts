/** SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix per draw, every seed is good. Not for secrets. */

let state: u64 = 0;

export function seed(value: u64): void {
  state = value;
}

/** A whole number in 0 to bound - 1. The bias of the multiplication is below 2^-18 for bounds up to 10,000. */
export function below(bound: u32): u32 {
  state += 0x9e3779b97f4a7c15;
  let z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return <u32>(((z >> 32) * <u64>bound) >> 32);
}
