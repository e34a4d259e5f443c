/**
 * The proxies of this node as their filters speak of them. A proxy has one VM per worker and one of its main thread, each with
 * its own life and sequence; what they say is added up per proxy.
 *
 * A VM that is silent was replaced or is dead; an idle one speaks. So its levels are believed for a while only. One that
 * trapped falls silent alone, and Envoy serves that worker's requests by the plain routes: so a proxy is as silent as
 * the most silent of its VMs, but for those that were replaced. New code starts all VMs of a proxy anew, so replaced are those
 * that were there a while before its newest. After a minute a silent VM is forgotten, unless siblings of its own age speak:
 * then its silence goes on being told until new code replaces it.
 */
import type { Caller, ProxyReport } from '../../controller/wire/messages.ts';
import type { Samples } from '../wire/samples.ts';
import { callerKey } from './window.ts';

/** Six idle intervals of the filter. */
export const FORGET_AFTER_MS = 60_000;
/** A filter with requests in flight speaks every sample interval; after three of these, or this long, its word is stale. */
const LEVEL_LIFE_MS = 5_000;
/** Three idle intervals: a VM silent for longer was replaced and says nothing of the table its proxy is at. */
const LIVE_MS = 30_000;
/** VMs that start together are first heard of within one idle interval, and half of one more for a busy machine. */
const SAME_START_MS = 15_000;
const MAX_VMS = 10_000;

/** Who a filter says it stands beside. */
export interface Proxy {
  readonly nodeId: string;
  readonly caller: Caller;
}

type Counter = 'droppedCalls' | 'lostSamples' | 'strippedHeaders' | 'steeredCalls' | 'rejectedTables';
const counterNames: readonly Counter[] = [
  'droppedCalls',
  'lostSamples',
  'strippedHeaders',
  'steeredCalls',
  'rejectedTables',
];

interface Vm {
  readonly proxy: Proxy;
  readonly key: string;
  sequence: number;
  readonly firstHeardMs: number;
  heardMs: number;
  intervalMs: number;
  tableEpoch: number;
  tableNumber: number;
  configErrors: number;
  /** Requests in flight by cluster, as last told: cluster, level, cluster, level… */
  inFlight: (string | number)[];
  /** Since the last report. */
  counters: Record<Counter, number>;
}

/** `new`: counts. `replayed`: it was here before and must not count again. `crowded`: there are too many VMs. */
export type Arrival = 'new' | 'replayed' | 'crowded';

export class Proxies {
  readonly #vms = new Map<string, Vm>();
  readonly #maxVms: number;

  constructor(maxVms = MAX_VMS) {
    this.#maxVms = maxVms;
  }

  note(proxy: Proxy, samples: Samples, nowMs: number): Arrival {
    const known = this.#vms.get(samples.vmId);
    if (known && samples.sequence <= known.sequence) {
      known.heardMs = nowMs;
      return 'replayed';
    }
    if (!known && this.#vms.size >= this.#maxVms) return 'crowded';
    const vm = known ?? enrol(proxy, nowMs);
    this.#vms.set(samples.vmId, vm);
    vm.sequence = samples.sequence;
    vm.heardMs = nowMs;
    vm.intervalMs = samples.intervalMs;
    vm.tableEpoch = samples.tableEpoch;
    vm.tableNumber = samples.tableNumber;
    vm.configErrors = samples.configErrors;
    vm.inFlight = [];
    for (const { cluster, inFlight } of samples.edges) if (inFlight > 0) vm.inFlight.push(cluster, inFlight);
    for (const name of counterNames) vm.counters[name] += samples[name];
    return 'new';
  }

  /** Tells the requests in flight of each VM whose word is fresh enough to be believed. */
  eachInFlight(nowMs: number, tell: (key: string, caller: Caller, cluster: string, inFlight: number) => void): void {
    for (const vm of this.#vms.values()) {
      if (nowMs - vm.heardMs > Math.max(LEVEL_LIFE_MS, 3 * vm.intervalMs)) continue;
      for (let i = 0; i + 1 < vm.inFlight.length; i += 2) {
        tell(vm.key, vm.proxy.caller, String(vm.inFlight[i]), Number(vm.inFlight[i + 1]));
      }
    }
  }

  /** One entry per proxy, its counters since the last call. Forgets VMs that were silent for long, if they may be. */
  report(nowMs: number): ProxyReport[] {
    const byNode = new Map<string, Vm[]>();
    for (const vm of this.#vms.values()) {
      const vms = byNode.get(vm.proxy.nodeId);
      if (vms) vms.push(vm);
      else byNode.set(vm.proxy.nodeId, [vm]);
    }
    const missed = new Set<Vm>();
    const isSpeaking = ({ heardMs }: Vm) => nowMs - heardMs <= FORGET_AFTER_MS;
    const reports = [...byNode.values()].map((vms) => {
      const present = presentOf(vms);
      if (present.some(isSpeaking)) for (const vm of present) missed.add(vm);
      return reportOf(vms, present, nowMs);
    });
    for (const [vmId, vm] of this.#vms) if (!isSpeaking(vm) && !missed.has(vm)) this.#vms.delete(vmId);
    return reports;
  }

  /** VMs that are not forgotten. */
  get size(): number {
    return this.#vms.size;
  }
}

function enrol(proxy: Proxy, nowMs: number): Vm {
  return {
    proxy,
    key: callerKey(proxy.caller),
    sequence: 0,
    firstHeardMs: nowMs,
    heardMs: 0,
    intervalMs: 0,
    tableEpoch: 0,
    tableNumber: 0,
    configErrors: 0,
    inFlight: [],
    counters: { droppedCalls: 0, lostSamples: 0, strippedHeaders: 0, steeredCalls: 0, rejectedTables: 0 },
  };
}

/** @param present those that were not replaced */
function reportOf(vms: readonly Vm[], present: readonly Vm[], nowMs: number): ProxyReport {
  const latest = vms.reduce((a, b) => (b.heardMs > a.heardMs ? b : a));
  // The proxy is no further than the last of its workers.
  const oldest = vms.filter((vm) => nowMs - vm.heardMs <= LIVE_MS).reduce((a, b) => (isBehind(b, a) ? b : a), latest);
  const sums = { droppedCalls: 0, lostSamples: 0, strippedHeaders: 0, steeredCalls: 0, rejectedTables: 0 };
  for (const vm of vms) {
    for (const name of counterNames) {
      sums[name] += vm.counters[name];
      vm.counters[name] = 0;
    }
  }
  return {
    nodeId: latest.proxy.nodeId,
    caller: latest.proxy.caller,
    tableEpoch: oldest.tableEpoch,
    tableNumber: oldest.tableNumber,
    silentMs: Math.max(0, ...present.map(({ heardMs }) => Math.round(nowMs - heardMs))),
    ...sums,
    configErrors: Math.max(...vms.map((vm) => vm.configErrors)),
  };
}

/** Those that were not replaced by newer ones. */
function presentOf(vms: readonly Vm[]): readonly Vm[] {
  const newestMs = vms.reduce((most, { firstHeardMs }) => Math.max(most, firstHeardMs), Number.NEGATIVE_INFINITY);
  return vms.filter(({ firstHeardMs }) => newestMs - firstHeardMs <= SAME_START_MS);
}

function isBehind(a: Vm, b: Vm): boolean {
  return a.tableEpoch < b.tableEpoch || (a.tableEpoch === b.tableEpoch && a.tableNumber < b.tableNumber);
}
