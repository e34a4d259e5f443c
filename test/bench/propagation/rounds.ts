/**
 * One decision after the other: probe, pin to the other backend, wait until every Envoy follows, rest. The rest is of random
 * length, so that decisions meet the timers of agents and filters at any moment of theirs; nothing is probed in it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type MachineReading, readMachine } from '../measure/machine.ts';
import { arrivalOf, type DecisionRecord } from './arrival.ts';
import type { Fleet } from './fleet.ts';
import type { Pins } from './pin.ts';
import { BACKENDS, type BackendName } from './plan.ts';
import type { Prober } from './prober.ts';

/** After the probes before a decision the processors come to rest: what they cost must not count into it. */
const CALM_MS = 60;
/** A while after the last Envoy followed each is asked again, and must not have gone back. */
const AFTER_MS = 80;
const REST_MS = { least: 100, most: 500 };
/** Code that runs for the first time is slow, and the first call to a backend opens a connection: these do not count. */
export const WARM_UP_DECISIONS = 10;
/** A mesh that has just started settles: samples say what each workload calls, and views may change for it. */
const SETTLE_MS = 3_000;

export interface RoundsOptions {
  readonly fleet: Fleet;
  readonly pins: Pins;
  readonly prober: Prober;
  readonly decisions: number;
  /** From the decision to the first probe after it, ms. */
  readonly headStartMs: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Called after each decision that counts. */
  readonly onRecord: (records: readonly DecisionRecord[]) => void;
}

export interface Measured {
  readonly records: readonly DecisionRecord[];
  /** Of the machine while it was probed, rests left out. */
  readonly used: MachineReading | undefined;
}

/** @throws Error when an Envoy does not follow, or goes back; when it is stopped */
export async function measure(options: RoundsOptions): Promise<Measured> {
  const { decisions, random, signal } = options;
  const records: DecisionRecord[] = [];
  const used = { totalMs: 0, usedMs: 0, ownMs: 0 };
  let isKnown = true;
  await begin(options);
  for (let i = 1; i <= WARM_UP_DECISIONS + decisions; i += 1) {
    if (i === WARM_UP_DECISIONS + 1) options.prober.lagsMs.length = 0;
    const from = readMachine();
    const record = await decide(options, BACKENDS[(i + 1) % 2] ?? 'a', BACKENDS[i % 2] ?? 'b');
    const to = readMachine();
    if (i > WARM_UP_DECISIONS) {
      if (from && to) {
        used.totalMs += to.totalMs - from.totalMs;
        used.usedMs += to.usedMs - from.usedMs;
        used.ownMs += to.ownMs - from.ownMs;
      } else isKnown = false;
      records.push(record);
      options.onRecord(records);
    }
    await sleep(REST_MS.least + random() * (REST_MS.most - REST_MS.least), undefined, { signal });
  }
  return { records, used: isKnown ? used : undefined };
}

/** Everything is at the first backend, in every Envoy. */
async function begin({ pins, prober, signal }: RoundsOptions): Promise<void> {
  const [first] = BACKENDS;
  const pinned = pins.send(first);
  await pinned.answered;
  await prober.chase(first, pinned.sentMs, signal);
  await sleep(SETTLE_MS, undefined, { signal });
}

async function decide(options: RoundsOptions, old: BackendName, to: BackendName): Promise<DecisionRecord> {
  const { fleet, pins, prober, headStartMs, signal } = options;
  prober.begin();
  await prober.sweep(signal);
  for (const [i, each] of prober.answers().entries()) {
    if (each.some(({ backend }) => backend !== old)) {
      throw new Error(`${fleet.envoys[i]?.name} went back: all was pinned to ${old}, and another backend answers`);
    }
  }
  await sleep(CALM_MS, undefined, { signal });
  const pinned = pins.send(to);
  const [answeredMs] = await Promise.all([pinned.answered, prober.chase(to, pinned.sentMs + headStartMs, signal)]);
  await sleep(AFTER_MS, undefined, { signal });
  await prober.sweep(signal);
  const arrivals = prober.answers().map((answers, i) => {
    const arrival = arrivalOf(answers, to, pinned.sentMs);
    if (!arrival) throw new Error(`${fleet.envoys[i]?.name} went back to ${old} after it had followed to ${to}`);
    return arrival;
  });
  return { answeredMs: answeredMs - pinned.sentMs, arrivals };
}
