/**
 * Chance that belongs to a request and not to the server that happens to answer it: what is drawn for call 1234.2 at
 * service payments is the same in every run with the same seed, whichever backend serves it. So a steered and an unsteered
 * run face the same work, request by request, and their difference is the steering.
 */

/** Numbers from 0 to 1 that follow from the seed and a key. mulberry32 (public domain, github.com/bryc/code, PRNGs). */
export function chanceOf(seed: number, key: string): () => number {
  let state = hash(seed, key);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

// FNV-1a over the key, then MurmurHash3's finaliser, so that keys that differ in one digit start far apart.
function hash(seed: number, key: string): number {
  let h = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < key.length; i += 1) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
