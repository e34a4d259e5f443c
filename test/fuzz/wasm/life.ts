/**
 * One VM from its start to its end: sequences of callbacks in any order, and after each what must hold. The seed decides
 * all of it, so a life that failed can be lived again.
 */
import { decodeSamples } from '../../../agent/wire/samples.ts';
import { capped } from '../../support/capped-wasm.ts';
import { type HttpCall, PretendHost, shippedModule } from '../../support/pretend-host.ts';
import { Chance } from '../chance.ts';
import { HostileHost } from './hostile-host.ts';
import { Material } from './material.ts';
import { Steps } from './steps.ts';

/** `max_clusters` where a configuration does not say. */
export const DEFAULT_MAX_CLUSTERS = 512;
const PAGE_BYTES = 65_536;
/** Callbacks of a sequence, at most; each may lead to others. */
const MOST_STEPS = 12;
/** Sequences between two looks at the requests in flight: it takes messages until all is told. */
const SETTLE_EVERY = 64;
/** Ticks within which everything is told, whatever went before: an answer that got lost is given up after 350. */
const SETTLE_TICKS = 900;

export interface LifeOptions {
  readonly seed: number;
  /** `max_clusters` is at most this where a configuration names it. */
  readonly maxClusters: number;
  /** Pages that memory may grow by; undefined: as many as it likes. */
  readonly spareMemoryPages: number | undefined;
  /** Probability with which a call of the host fails in a hostile sequence; half of them are honest. */
  readonly failShare: number;
}

export class Life {
  readonly host: PretendHost;
  sequences = 0;
  messages = 0;
  private readonly options: LifeOptions;
  private readonly chance: Chance;
  private readonly hostile: HostileHost;
  private readonly steps: Steps;
  private lastSequence = 0;
  private lastMessage: Uint8Array = new Uint8Array(0);

  constructor(options: LifeOptions) {
    this.options = options;
    this.chance = new Chance(options.seed);
    this.hostile = new HostileHost(this.chance);
    const module = shippedModule('release');
    this.host = new PretendHost('release', 5_000_000_000n, {
      module: options.spareMemoryPages === undefined ? module : capped(module, options.spareMemoryPages),
      functions: this.hostile.functions,
    });
    const material = new Material(this.chance);
    this.steps = new Steps(this.host, this.chance, material, options.maxClusters);
    if (this.chance.is(0.8)) this.steps.configure();
  }

  get callbacks(): number {
    return this.steps.callbacks;
  }

  get hostFailures(): number {
    return this.hostile.failures;
  }

  /** @throws what does not hold */
  sequence(): void {
    const { chance, hostile, steps } = this;
    hostile.failShare = chance.is(0.5) ? this.options.failShare : 0;
    steps.isHonest = hostile.failShare === 0;
    for (let left = 1 + chance.below(MOST_STEPS); left > 0; left--) steps.step();
    // A quarter leaves its contexts to the next.
    if (chance.is(0.75)) steps.deleteAll();
    this.sequences += 1;
    this.check();
    if (this.sequences % SETTLE_EVERY === 0) this.settle();
  }

  /** Brings memory to its height, so that it must stay there. */
  flood(): void {
    this.hostile.failShare = 0;
    this.steps.flood();
    this.check();
  }

  /** With every context deleted and an agent that takes what comes, nothing is in flight. */
  settle(): void {
    const { host, hostile, steps } = this;
    hostile.failShare = 0;
    steps.deleteAll();
    steps.honestEnvironment();
    let taken = 0;
    for (let tick = 0; tick < SETTLE_TICKS; tick++) {
      steps.tick(100, host.root);
      const call = samplesCallIn(host);
      if (!call) continue;
      host.answer(call, 204);
      this.check();
      taken += 1;
      // The first may have been made while contexts were open.
      if (taken === 1) continue;
      const { edges } = decodeSamples(call.body);
      const stuck = edges.filter(({ inFlight }) => inFlight > 0);
      if (stuck.length > 0) throw new Error(`in flight with no context left: ${JSON.stringify(stuck[0])}`);
      // News that were left are told at once; then comes an empty one, after idle_interval_ms.
      if (edges.length === 0 || tick > SETTLE_TICKS / 2) return;
    }
    // Memory that ran out before there was room for a message tells nothing.
    if (this.options.spareMemoryPages === undefined) throw new Error(`no samples message in ${SETTLE_TICKS} ticks`);
  }

  private check(): void {
    const { host } = this;
    if (host.trap !== undefined) throw host.trap;
    const limitBytes = memoryLimitBytes(this.options.maxClusters);
    if (host.memoryBytes > limitBytes) {
      throw new Error(`memory has ${host.memoryBytes / PAGE_BYTES} pages, allowed are ${limitBytes / PAGE_BYTES}`);
    }
    for (const call of host.calls) if (call.path === '/v1/samples') this.checkMessage(call);
    host.calls.length = 0;
    host.lines.length = 0;
  }

  /** What an agent would say of it: whole, in order, and the same under the same number. */
  private checkMessage({ body }: HttpCall): void {
    const { sequence } = decodeSamples(body);
    this.messages += 1;
    if (sequence < this.lastSequence) throw new Error(`message ${sequence} came after ${this.lastSequence}`);
    if (sequence === this.lastSequence && Buffer.compare(body, this.lastMessage) !== 0) {
      throw new Error(`message ${sequence} was sent again with other bytes`);
    }
    this.lastSequence = sequence;
    this.lastMessage = body;
  }
}

/**
 * The bound that is checked after every sequence: 12 MiB, of which tables, the value that carries one and a message take most,
 * and 6 KiB for each cluster: its record, three samples, its place in the index.
 */
export function memoryLimitBytes(maxClusters: number): number {
  return Math.ceil((12 * 2 ** 20 + Math.max(maxClusters, DEFAULT_MAX_CLUSTERS) * 6 * 1_024) / PAGE_BYTES) * PAGE_BYTES;
}

function samplesCallIn(host: PretendHost): HttpCall | undefined {
  for (const call of host.open.values()) if (call.path === '/v1/samples') return call;
  return undefined;
}
