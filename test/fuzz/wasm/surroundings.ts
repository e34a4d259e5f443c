/** What a host has around its callbacks: a clock that goes on, stands or is set, an agent that comes and goes, node metadata. */
import type { PretendHost } from '../../support/pretend-host.ts';
import type { Chance } from '../chance.ts';
import type { Material } from './material.ts';

/** When a life begins. */
export const FIRST_NS = 5_000_000_000n;
/** Far enough from the ends of a u64 that the test's own sums stay within. */
const LAST_NS = 2n ** 62n;
const PATHS = ['xds.node.id', 'xds.node.cluster', 'xds.node.metadata.NAMESPACE', 'xds.node.locality.zone'] as const;

export function passTime(host: PretendHost, ms: number): void {
  host.nowNs = clamped(host.nowNs + BigInt(ms) * 1_000_000n);
}

export function setClock(host: PretendHost, chance: Chance): void {
  const byNs = BigInt(chance.u32()) * BigInt(chance.of([1, 1_000, 1_000_000]));
  host.nowNs = chance.is(0.02) ? chance.of([0n, LAST_NS]) : clamped(host.nowNs + (chance.is(0.3) ? -byNs : byNs));
  if (chance.is(0.1)) host.wallAheadNs = BigInt(chance.u32()) * 1_000_000_000n;
}

export function changeSurroundings(host: PretendHost, chance: Chance, material: Material): void {
  host.hasWasi = chance.is(0.8);
  host.agentIs = chance.of(['there', 'there', 'there', 'down', 'unknown']);
  host.properties.set(chance.of(PATHS), material.text());
}

function clamped(ns: bigint): bigint {
  return ns < 0n ? 0n : ns > LAST_NS ? LAST_NS : ns;
}
