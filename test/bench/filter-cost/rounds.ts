/**
 * A round: five new Envoys, since where a process happens to lie in memory moves its figure by microseconds and keeps it
 * there; warmed, checked, and measured in many short turns, one at a time, so that what else happens on the machine falls on
 * all of them, and the middle of a variant's turns leaves out what fell on one. Turns for processor time are a closed loop,
 * those for latency Poisson arrivals at half load: the rate at which Envoy's worker without a filter is half busy.
 */
import { FOREIGN_RATIO, foreignRatio, readMachine } from '../measure/machine.ts';
import { arrivals } from './load.ts';
import { type Cores, pin } from './pin.ts';
import { processorUs } from './processor.ts';
import { median, orderOf, quantile } from './statistics.ts';
import { NONE, names, type Variant, type VariantName, Variants, type WasmPaths } from './variants.ts';

/** In flight in the closed loop: enough that Envoy never waits for the load. */
const AT_ONCE = 16;
/** V8 compiles what runs often anew, in the background; by then it has. */
const CHECK_REQUESTS = 3_000;
const WARM_UP_REQUESTS = 4_000;
/** Before a turn is measured: caches are another variant's. */
const FIRST_REQUESTS = 100;
const CPU_TURNS = 12;
const LATENCY_TURNS = 4;
/** Of the rate of the closed loop: low enough that the worker is not busier than half. */
const CALIBRATION_SHARE = 0.3;
const CALIBRATION_S = 0.5;

export interface Measured {
  /** Envoy's processor time per request in the closed loop, and at half load. */
  readonly cpuUs: number;
  readonly halfLoadCpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Round {
  readonly of: Readonly<Record<VariantName, Measured>>;
  /** Share of the machine that others used meanwhile, 0 to 1; null where /proc does not say. */
  readonly foreignRatio: number | null;
  /** Requests per second at half load. */
  readonly halfLoadRps: number;
  /** Samples messages that were taken. */
  readonly reports: number;
}

export interface Plan {
  readonly wasm: WasmPaths;
  /** Where Envoys and the load run, each alone; undefined: wherever the system puts them. */
  readonly cores: Cores | undefined;
  /** Requests and seconds of each variant, over all its turns. */
  readonly requests: number;
  readonly seconds: number;
}

/** Figures of single turns. */
interface Turns {
  readonly cpuUs: number[];
  readonly halfLoadCpuUs: number[];
  readonly p50Ms: number[];
  readonly p99Ms: number[];
}

/** Whether a round was disturbed: others used more of the machine than a run of `npm run bench` may lose. */
export function isDisturbed({ foreignRatio: foreign }: Pick<Round, 'foreignRatio'>): boolean {
  return foreign === null || foreign > FOREIGN_RATIO;
}

/** @param index of the round, which the order follows from. @param random 0 to 1 */
export async function runRound(plan: Plan, index: number, random: () => number, signal: AbortSignal): Promise<Round> {
  const variants = await Variants.start(plan.wasm, signal);
  try {
    if (plan.cores) for (const { proxy } of variants.all) pin(proxy.child.pid, plan.cores.envoy);
    const halfLoadRps = await warmUp(variants, random, signal);
    const turns = Object.fromEntries(names.map((name) => [name, noTurns()])) as Record<VariantName, Turns>;
    const from = readMachine();
    for (let turn = 0; turn < CPU_TURNS; turn += 1) {
      signal.throwIfAborted();
      for (const variant of orderOf(variants.all, index + turn)) {
        turns[variant.name].cpuUs.push(await cpuTurn(variant, Math.ceil(plan.requests / CPU_TURNS)));
      }
    }
    for (let turn = 0; turn < LATENCY_TURNS; turn += 1) {
      // The same arrivals for all of them.
      const dueMs = arrivals(halfLoadRps, plan.seconds / LATENCY_TURNS, random);
      for (const variant of orderOf(variants.all, index + turn)) {
        signal.throwIfAborted();
        await latencyTurn(variant, dueMs, turns[variant.name]);
      }
    }
    const ratio = foreignRatio(from, readMachine());
    const [gone] = variants.died();
    if (gone !== undefined) throw new Error(`an Envoy ended by itself: ${gone}`);
    const of = Object.fromEntries(names.map((name) => [name, middlesOf(turns[name])]));
    const reports = await variants.checkReports();
    return { of: of as Record<VariantName, Measured>, foreignRatio: ratio, halfLoadRps, reports };
  } finally {
    await variants.close();
  }
}

/** Every variant warm and checked. @returns requests per second that are half load */
async function warmUp(variants: Variants, random: () => number, signal: AbortSignal): Promise<number> {
  let halfLoadRps = 0;
  for (const variant of variants.all) {
    signal.throwIfAborted();
    const { load, proxy, name } = variant;
    await variants.check(variant, CHECK_REQUESTS, AT_ONCE);
    const tookMs = await load.closedLoop(WARM_UP_REQUESTS, AT_ONCE);
    if (name !== NONE) continue;
    const dueMs = arrivals((CALIBRATION_SHARE * WARM_UP_REQUESTS * 1_000) / tookMs, CALIBRATION_S, random);
    const startUs = processorUs(proxy.child.pid);
    await load.openLoop(dueMs);
    const cpuUs = (processorUs(proxy.child.pid) - startUs) / dueMs.length;
    halfLoadRps = 500_000 / cpuUs;
  }
  return halfLoadRps;
}

/** @returns Envoy's µs per request */
async function cpuTurn({ proxy, load }: Variant, requests: number): Promise<number> {
  await load.closedLoop(FIRST_REQUESTS, AT_ONCE);
  const startUs = processorUs(proxy.child.pid);
  await load.closedLoop(requests, AT_ONCE);
  return (processorUs(proxy.child.pid) - startUs) / requests;
}

async function latencyTurn({ proxy, load }: Variant, dueMs: Float64Array, turns: Turns): Promise<void> {
  await load.closedLoop(FIRST_REQUESTS, AT_ONCE);
  const startUs = processorUs(proxy.child.pid);
  const latencyMs = [...(await load.openLoop(dueMs))];
  turns.halfLoadCpuUs.push((processorUs(proxy.child.pid) - startUs) / dueMs.length);
  turns.p50Ms.push(quantile(latencyMs, 0.5));
  turns.p99Ms.push(quantile(latencyMs, 0.99));
}

function noTurns(): Turns {
  return { cpuUs: [], halfLoadCpuUs: [], p50Ms: [], p99Ms: [] };
}

function middlesOf({ cpuUs, halfLoadCpuUs, p50Ms, p99Ms }: Turns): Measured {
  return {
    cpuUs: median(cpuUs),
    halfLoadCpuUs: median(halfLoadCpuUs),
    p50Ms: median(p50Ms),
    p99Ms: median(p99Ms),
  };
}
