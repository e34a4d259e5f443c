/**
 * What an earlier controller has left on a route's status, read back: weights by caller group, pins and freezes by people, reliefs
 * with what they were judged by, and which trial ran. What `status.ts` writes is all read here. Pure.
 *
 * A status is written at most every 5 s, at once where a person has pinned or frozen, and once more by a controller that is told to stop.
 * So of one that dies the moves of its last 5 s may be lost, and always earlier weights to revert to, what was normal, and decisions.
 */
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { serviceOf } from '../routes/route.ts';
import type { Remembered } from '../steer/memory.ts';
import type { SavedService } from '../steer/saved.ts';
import { WEIGHT_TOTAL } from '../wire/messages.ts';
import type { Acceptance } from './accept.ts';

/** Far above what controllers count to, and far below where agents take none above any more. */
const MOST_EPOCH = 0x7fffffff;

const Weights = Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: WEIGHT_TOTAL }));
const Hold = Type.Object({ by: Type.String(), why: Type.String(), since: Type.String() });
const Kept = Type.Object({
  table: Type.String(),
  frozen: Type.Optional(Hold),
  groups: Type.Array(
    Type.Object({
      name: Type.String(),
      weights: Weights,
      stable: Type.Optional(Weights),
      pinned: Type.Optional(Hold),
      reliefs: Type.Optional(Type.Array(Type.Object({ backend: Type.String() }))),
      trial: Type.Optional(Type.Unknown()),
    }),
  ),
});

/**
 * @returns nothing where no controller has said anything of it yet
 * @throws RangeError with what is wrong where it cannot be read
 */
export function rememberedOf({ object, route }: Acceptance): Remembered | undefined {
  const { status } = object;
  if (!route || (status as { groups?: unknown } | undefined)?.groups === undefined) return undefined;
  if (!Value.Check(Kept, status)) throw new RangeError('it is not as Weir writes it');
  const epoch = Number(/^(\d{1,10})\.\d+$/.exec(status.table)?.[1] ?? Number.NaN);
  if (!(epoch <= MOST_EPOCH)) throw new RangeError(`its table is ${status.table}, which is no epoch.number`);
  return { service: serviceOf(route), epoch, state: stateOf(status) };
}

/** Its fields are checked once more where the store's are: what is not right there is left out with a warning. */
function stateOf({ frozen, groups }: Static<typeof Kept>): SavedService {
  return {
    frozen: frozen ? holdOf(frozen) : null,
    groups: groups.map(({ name, weights, stable = weights, pinned, reliefs = [], trial = null }) => {
      const sum = Object.values(stable).reduce((total, weight) => total + weight, 0);
      if (sum !== WEIGHT_TOTAL) throw new RangeError(`weights of ${name} sum to ${sum} and not to ${WEIGHT_TOTAL}`);
      return {
        ...{ name, weights: stable, previous: [], fruitless: 0 },
        pinned: pinned ? holdOf(pinned) : null,
        reliefs: Object.fromEntries(reliefs.map(reliefOf)),
        trial: trial as SavedService['groups'][number]['trial'],
      };
    }),
  };
}

type Relief = SavedService['groups'][number]['reliefs'][string];

function reliefOf(kept: { readonly backend: string }): [string, Relief] {
  const { backend, usual, ...relief } = kept as typeof kept & Relief & { readonly usual?: Relief['expected'] };
  return [backend, { ...relief, ...(usual && { expected: usual }) }];
}

function holdOf({ by, why, since }: Static<typeof Hold>): NonNullable<SavedService['frozen']> {
  return { by, why, sinceWallMs: Date.parse(since) };
}
