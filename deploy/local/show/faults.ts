/** Faults of a scenario, and how long traffic took to leave what broke and to come back to what was healed. Pure. */
import { clusterOf } from '../envoy/bootstrap.ts';
import type { Change, Scenario } from '../scenario/schema.ts';
import type { Backend } from '../scenario/service-schema.ts';
import type { Tally } from './tally.ts';

/** Left: less than this share. Back: at least this share. */
export const LEFT_SHARE = 0.05;
const STEP_MS = 250;
/** The shortest of these that holds enough calls for 5 % of them to be more than one; of the last, half as many do. */
const LEFT_WINDOWS_MS = [1000, 2000, 5000] as const;
const ENOUGH_CALLS = 40;
const BACK_WINDOW_MS = 5000;
const LEAST_CALLS = 20;

export interface Fault {
  /** service/backend */
  readonly backend: string;
  readonly cluster: string;
  /** Clusters of all backends of the service. */
  readonly siblings: readonly string[];
  readonly brokenMs: number;
  /** End of the run when it is never healed. */
  readonly healedMs: number;
  readonly endMs: number;
}

/** Backends that change and, perhaps, heal: only what breaks a whole backend of several. */
export function faultsOf(scenario: Scenario): Fault[] {
  const endMs = scenario.durationS * 1000;
  return scenario.events.flatMap((event) => {
    const [name = '', backend = ''] = event.backend?.split('/') ?? [];
    const service = scenario.services.find((candidate) => candidate.name === name);
    const usual = service?.backends.find((candidate) => candidate.name === backend);
    if (!service || !usual || service.backends.length < 2) return [];
    if (!event.change || event.endpoint !== undefined || !isHarm(event.change, usual)) return [];
    const heal = scenario.events.find(
      (other) => other.heal && other.backend === event.backend && other.endpoint === undefined && other.atS > event.atS,
    );
    const address = { host: name, port: service.port };
    return {
      backend: `${name}/${backend}`,
      cluster: clusterOf(address, backend),
      siblings: service.backends.map((sibling) => clusterOf(address, sibling.name)),
      brokenMs: event.atS * 1000,
      healedMs: heal ? heal.atS * 1000 : endMs,
      endMs,
    };
  });
}

function isHarm(change: Change, usual: Backend): boolean {
  return (
    change.down === true ||
    (change.errorRatio ?? 0) > usual.errorRatio ||
    (change.serviceTimeMultiplier ?? 1) > 1 ||
    (change.serviceTime?.meanMs ?? 0) > usual.serviceTime.meanMs ||
    (change.concurrency ?? usual.concurrency) < usual.concurrency
  );
}

export interface Course {
  /** Mean share in the 10 s before the fault, between fault and healing, and in the last 10 s of the run. */
  readonly shareBefore: number | undefined;
  readonly shareBroken: number | undefined;
  readonly shareAtEnd: number | undefined;
  /** Seconds from the fault until the share over the last 1 to 5 s was below 5 %; undefined: never. */
  readonly leftAfterS: number | undefined;
  /** Seconds from the healing until the share over the last 5 s was 5 % or more again; undefined: never, or it had never left. */
  readonly backAfterS: number | undefined;
}

export function courseOf(tally: Tally, fault: Fault): Course {
  const share = (fromMs: number, toMs: number, least = 1) =>
    tally.shareIn(fault.cluster, fault.siblings, fromMs, toMs, least);
  const recently = (atMs: number) =>
    LEFT_WINDOWS_MS.map((windowMs) => share(atMs - windowMs, atMs, ENOUGH_CALLS)).find((part) => part !== undefined) ??
    share(atMs - BACK_WINDOW_MS, atMs, LEAST_CALLS);
  const firstS = (fromMs: number, toMs: number, isIt: (atMs: number) => boolean) => {
    for (let atMs = fromMs + STEP_MS; atMs <= toMs; atMs += STEP_MS) if (isIt(atMs)) return (atMs - fromMs) / 1000;
    return undefined;
  };
  const hasLeft = (atMs: number) => (recently(atMs) ?? 1) < LEFT_SHARE;
  const isBack = (atMs: number) => (share(atMs - BACK_WINDOW_MS, atMs, LEAST_CALLS) ?? 0) >= LEFT_SHARE;
  const leftAfterS = firstS(fault.brokenMs, fault.healedMs, hasLeft);
  return {
    shareBefore: share(fault.brokenMs - 10_000, fault.brokenMs),
    shareBroken: share(fault.brokenMs, fault.healedMs),
    shareAtEnd: share(fault.endMs - 10_000, fault.endMs),
    leftAfterS,
    backAfterS: leftAfterS === undefined ? undefined : firstS(fault.healedMs, fault.endMs, isBack),
  };
}
