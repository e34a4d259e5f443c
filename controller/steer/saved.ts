/**
 * A service as JSON, so that a restarted controller takes up where it was: weights, earlier weights, pins, freezes, reliefs,
 * and from time to time what each backend's past looked like. A trial does not survive: the windows that nobody saw
 * belong to it, so it is aborted and its service goes on with the stable weights.
 *
 * Instants are wall-clock here and monotonic inside. What cannot be read is left out with a warning; it costs memory of the
 * past and nothing else.
 */
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { expect } from '../decide/relief/lane.ts';
import { SLOT_COUNT } from '../graph/histogram.ts';
import { type Group, type Instant, isOfBackends, newGroup, type Service, yardstickOf } from './service.ts';
import { stageOf } from './try-out.ts';

const Weights = Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 10_000 }));
const Hold = Type.Object({ by: Type.String(), why: Type.String(), sinceWallMs: Type.Number() });
const Relief = Type.Object({
  fault: Type.Union([Type.Literal('errors'), Type.Literal('slowness')]),
  share: Type.Number({ minimum: 0, maximum: 1 }),
  badRatio: Type.Number(),
  /** Absent: from when it is taken up. */
  sinceWallMs: Type.Optional(Type.Number()),
  failedClimbs: Type.Integer({ minimum: 0 }),
  /** What its calls are compared with, for where the pasts are lost. */
  expected: Type.Optional(
    Type.Object({
      attempts: Type.Number({ minimum: 0 }),
      errorRatio: Type.Number({ minimum: 0, maximum: 1 }),
      errorBound: Type.Number({ minimum: 0, maximum: 1 }),
      slowBound: Type.Number({ minimum: 0, maximum: 1 }),
      slowAboveMs: Type.Number({ minimum: 0 }),
      lossMs: Type.Number({ minimum: 0 }),
    }),
  ),
});
const SavedService = Type.Object({
  frozen: Type.Union([Hold, Type.Null()]),
  groups: Type.Array(
    Type.Object({
      name: Type.String(),
      weights: Weights,
      previous: Type.Array(Weights),
      pinned: Type.Union([Hold, Type.Null()]),
      fruitless: Type.Integer({ minimum: 0 }),
      reliefs: Type.Record(Type.String(), Relief),
      trial: Type.Union([
        Type.Object({
          id: Type.Integer(),
          to: Weights,
          stage: Type.Integer(),
          stages: Type.Integer(),
          share: Type.Number(),
        }),
        Type.Null(),
      ]),
    }),
  ),
});
export type SavedService = Static<typeof SavedService>;

const SavedPasts = Type.Object({
  atWallMs: Type.Number(),
  pasts: Type.Array(
    Type.Object({
      group: Type.String(),
      backend: Type.String(),
      attempts: Type.Number({ minimum: 0 }),
      failures: Type.Number({ minimum: 0 }),
      calls: Type.Number({ minimum: 0 }),
      seenMs: Type.Number({ minimum: 0 }),
      /** Flat: slot, weight, slot, weight... */
      slots: Type.Array(Type.Number({ minimum: 0 })),
    }),
  ),
});

/** A past older than this says nothing of the present. */
const OLD_PAST_MS = 600_000;

/** A trial that was running when the state was saved. */
export interface LostTrial {
  readonly group: Group;
  readonly trial: {
    readonly id: number;
    readonly to: Readonly<Record<string, number>>;
    readonly stage: number;
    readonly stages: number;
    readonly share: number;
  };
}

export function saveService(service: Service, { nowMs, wallMs }: Instant): SavedService {
  const wall = (monotonicMs: number) => Math.round(wallMs - (nowMs - monotonicMs));
  return {
    frozen: service.frozen ?? null,
    groups: [...service.groups.values()].map((group) => ({
      name: group.name,
      weights: group.weights,
      previous: group.previous,
      pinned: group.pinned ?? null,
      fruitless: group.fruitless,
      reliefs: Object.fromEntries(
        [...group.lanes].flatMap(([name, { relief, failedClimbs, expected }]) => {
          if (!relief) return [];
          const { fault, share, badRatio, sinceMs } = relief;
          return [[name, { fault, share, badRatio, sinceWallMs: wall(sinceMs), failedClimbs, expected }]];
        }),
      ),
      trial: group.trial ? { ...stageOf(group.trial), to: group.trial.to } : null,
    })),
  };
}

/**
 * Puts saved state into a new service. What is of backends that the route no longer has is carried over by its caller.
 * @returns the trials that ran, or nothing where it cannot be read
 */
export function loadService(service: Service, value: unknown, at: Instant): readonly LostTrial[] | undefined {
  if (!Value.Check(SavedService, value)) return undefined;
  const { nowMs, wallMs } = at;
  const lost: LostTrial[] = [];
  service.frozen = value.frozen ?? undefined;
  for (const saved of value.groups) {
    const group = service.groups.get(saved.name) ?? newGroup(saved.name, saved.weights, service.route, at);
    service.groups.set(saved.name, group);
    group.weights = saved.weights;
    group.previous = saved.previous.filter((weights) => isOfBackends(weights, service.route.spec.backends));
    group.pinned = saved.pinned ?? undefined;
    group.fruitless = saved.fruitless;
    for (const [name, { fault, share, badRatio, sinceWallMs, failedClimbs, expected }] of Object.entries(
      saved.reliefs,
    )) {
      const lane = group.lanes.get(name);
      if (!lane) continue;
      if (expected) lane.expected = expected;
      // The wait begins anew: nobody looked while the controller was away.
      const sinceMs = nowMs - Math.max(0, wallMs - (sinceWallMs ?? wallMs));
      lane.relief = { fault, sinceMs, share, stepAtMs: nowMs, isDescending: false, badRatio };
      lane.failedClimbs = failedClimbs;
    }
    if (saved.trial) lost.push({ group, trial: saved.trial });
  }
  return lost;
}

export function savePasts(service: Service, wallMs: number): Static<typeof SavedPasts> {
  const pasts = [...service.groups.values()].flatMap((group) =>
    [...group.lanes].flatMap(([backend, { past }]) => {
      if (past.attempts < 1) return [];
      const slots: number[] = [];
      for (const [slot, weight] of past.slots.entries()) if (weight >= 0.005) slots.push(slot, round(weight));
      const { attempts, failures, calls, seenMs } = past;
      return {
        group: group.name,
        backend,
        attempts: round(attempts),
        failures: round(failures),
        calls: round(calls),
        seenMs: round(seenMs),
        slots,
      };
    }),
  );
  return { atWallMs: Math.round(wallMs), pasts };
}

/** @returns false where it cannot be read */
export function loadPasts(service: Service, value: unknown, { wallMs }: Instant): boolean {
  if (!Value.Check(SavedPasts, value)) return false;
  if (wallMs - value.atWallMs > OLD_PAST_MS) return true;
  for (const { group, backend, slots, ...sums } of value.pasts) {
    const lane = service.groups.get(group)?.lanes.get(backend);
    if (!lane) continue;
    Object.assign(lane.past, sums);
    for (let i = 0; i + 1 < slots.length; i += 2) {
      const slot = slots[i] ?? 0;
      if (Number.isInteger(slot) && slot < SLOT_COUNT) lane.past.slots[slot] = slots[i + 1] ?? 0;
    }
    lane.expected = expect(lane.past, yardstickOf(service.route));
  }
  return true;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
