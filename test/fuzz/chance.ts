/** Seeded chance with the verbs of a fuzzer: one of these, so many bytes, those bytes but a little wrong. */
import { seeded } from '../support/random.ts';

/** Values at which comparisons and sums go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

export class Chance {
  /** 0 to 1 */
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  /** 0 to count - 1 */
  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  /** True with this probability. */
  is(share: number): boolean {
    return this.random() < share;
  }

  of<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Up to 2^32 - 1, mostly small or at an edge. */
  u32(): number {
    if (this.is(0.5)) return this.below(64);
    return this.is(0.7) ? (EDGES[this.below(EDGES.length)] ?? 0) : Math.floor(this.random() * 0x1_0000_0000);
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let i = 0; i < count; i++) bytes[i] = this.random() * 256;
    return bytes;
  }

  /** A copy with bits flipped, numbers overwritten, parts cut, doubled or moved. */
  mutated(from: Uint8Array, times = 1 + this.below(4)): Buffer {
    let bytes: Buffer = Buffer.from(from);
    for (let i = 0; i < times && bytes.length > 0; i++) bytes = this.mutatedOnce(bytes);
    return bytes;
  }

  private mutatedOnce(bytes: Buffer): Buffer {
    const at = this.below(bytes.length);
    const kind = this.below(12);
    if (kind === 0) return bytes.subarray(0, at);
    if (kind === 1) return Buffer.concat([bytes, this.bytes(1 + this.below(64))]);
    if (kind === 2) return Buffer.concat([bytes.subarray(0, at), bytes]);
    if (kind === 3) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + this.below(16))]);
    if (kind < 6 && at + 4 <= bytes.length) bytes.writeUInt32LE(this.u32(), at);
    else if (kind < 8 && at + 2 <= bytes.length) bytes.writeUInt16LE(this.u32() & 0xffff, at);
    else if (kind === 8) bytes[at] = this.below(256);
    else bytes[at] = (bytes[at] ?? 0) ^ (1 << this.below(8));
    return bytes;
  }
}
