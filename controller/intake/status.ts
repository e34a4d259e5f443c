/**
 * What an AdaptiveRoute's owner reads on the route itself: conditions, weights in force, the last verdict. And what the next controller
 * goes on with (`remembered.ts`), should it find no store: holds, reliefs, the trial that ran. Pure.
 */
import type { Decision } from '../decision.ts';
import { serviceOf } from '../routes/route.ts';
import type { RouteNews } from '../routes/source.ts';
import type { SavedService } from '../steer/saved.ts';
import type { ServiceStatus } from '../steer/status.ts';
import { type Acceptance, nameOf } from './accept.ts';

/** Decisions in which the last verdict is looked for. */
const LOOKED_BACK = 20;
/** The API server takes messages of conditions of any length here; a person does not. */
const MOST_CHARACTERS = 1_000;

export interface Condition {
  readonly type: 'Accepted' | 'Published' | 'Steering';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** What a person holds still. */
export interface HoldStatus {
  readonly by: string;
  readonly why: string;
  readonly since: string;
}

export interface GroupStatus {
  readonly name: string;
  readonly weights: Readonly<Record<string, number>>;
  readonly relieved: readonly string[];
  readonly pinned?: HoldStatus;
  /** Weights once nothing is relieved, where that makes a difference. */
  readonly stable?: Readonly<Record<string, number>>;
  readonly reliefs?: readonly (Readonly<Record<string, unknown>> & { readonly backend: string })[];
  readonly trial?: {
    readonly id: number;
    readonly stage: number;
    readonly stages: number;
    readonly share: number;
    readonly to: Readonly<Record<string, number>>;
  };
}

export interface RouteStatus {
  readonly observedGeneration: number;
  readonly table?: string;
  readonly weights?: string;
  /** By a person; a window of the route's own says so itself. */
  readonly frozen?: HoldStatus;
  readonly groups?: readonly GroupStatus[];
  readonly lastVerdict?: {
    readonly verdict: string;
    readonly group: string;
    readonly at: string;
    readonly why: string;
  };
  readonly conditions: readonly Condition[];
}

/** @param acceptance its object's own status is taken for what was written last */
export function statusOf(acceptance: Acceptance, news: RouteNews): RouteStatus {
  const { object, route } = acceptance;
  const { generation } = object.metadata;
  const before = (object.status ?? {}) as Partial<RouteStatus>;
  const service = route && serviceOf(route);
  const groups = news.services.filter((each) => each.service === service);
  const now = new Date(news.wallMs).toISOString();
  const condition = (type: Condition['type'], { status, reason, message }: Said): Condition => {
    const was = before.conditions?.find((each) => each.type === type);
    const lastTransitionTime = was?.status === status ? was.lastTransitionTime : now;
    const shown = message.length > MOST_CHARACTERS ? `${message.slice(0, MOST_CHARACTERS - 1)}…` : message;
    return { type, status, observedGeneration: generation, lastTransitionTime, reason, message: shown };
  };
  const verdict = service === undefined ? undefined : lastVerdict(news.decisions({ service, limit: LOOKED_BACK }));
  const last = verdict ?? before.lastVerdict;
  const published = news.published(nameOf(object));
  const saved = service === undefined ? undefined : news.saved(service);
  return {
    observedGeneration: generation,
    ...(groups.length > 0 && {
      table: news.table,
      weights: groups.map(sayWeights).join('; '),
      ...(saved?.frozen && { frozen: holdOf(saved.frozen) }),
      groups: groups.map((group) => plain(group, saved)),
    }),
    ...(last && { lastVerdict: last }),
    conditions: [
      condition('Accepted', {
        status: acceptance.reason === 'Valid' ? 'True' : 'False',
        ...{ reason: acceptance.reason, message: acceptance.message },
      }),
      ...(published
        ? [condition('Published', { ...published, status: published.isThere ? 'True' : ('False' as const) })]
        : []),
      condition('Steering', steering(acceptance, groups, news.agentCount)),
    ],
  };
}

type Said = Pick<Condition, 'status' | 'reason' | 'message'>;

function steering({ route, reason }: Acceptance, groups: readonly ServiceStatus[], agentCount: number): Said {
  const [first] = groups;
  if (!route || !first) return { status: 'False', reason: 'NotAccepted', message: `it is not in force: ${reason}` };
  if (first.mode === 'observe')
    return { status: 'False', reason: 'Observing', message: 'mode observe: calls are measured' };
  if (first.mode === 'recommend') {
    return { status: 'False', reason: 'Recommending', message: 'mode recommend: what would be tried is logged' };
  }
  if (agentCount === 0) {
    return { status: 'False', reason: 'NoAgents', message: 'no agent is connected, so no filter can hear of weights' };
  }
  const held = groups.find(({ frozen }) => frozen) ?? groups.find(({ pinned }) => pinned);
  const hold = held?.frozen ?? held?.pinned;
  if (hold) {
    const which = held?.frozen ? 'Frozen' : 'Pinned';
    return { status: 'True', reason: which, message: `${which.toLowerCase()} by ${hold.by}: ${hold.why}` };
  }
  const relieved = groups.flatMap((group) => group.relieved.map((name) => `${name} for ${group.group}`));
  if (relieved.length > 0) return { status: 'True', reason: 'Relieving', message: `held down: ${relieved.join(', ')}` };
  const tried = groups.find(({ trial }) => trial);
  if (tried?.trial) {
    const { stage, stages } = tried.trial;
    return {
      status: 'True',
      reason: 'Trying',
      message: `a trial for ${tried.group} is in stage ${stage} of ${stages}`,
    };
  }
  return { status: 'True', reason: 'InForce', message: 'filters steer by the weights shown' };
}

function plain({ group, backends, relieved, trial }: ServiceStatus, saved: SavedService | undefined): GroupStatus {
  const kept = saved?.groups.find(({ name }) => name === group);
  return {
    name: group,
    weights: Object.fromEntries(backends.map(({ name, weight }) => [name, weight])),
    relieved,
    ...(kept?.pinned && { pinned: holdOf(kept.pinned) }),
    ...(kept && relieved.length > 0 && { stable: kept.weights, reliefs: reliefsOf(kept) }),
    ...(trial && { trial }),
  };
}

function holdOf({ by, why, sinceWallMs }: NonNullable<SavedService['frozen']>): HoldStatus {
  return { by, why, since: new Date(sinceWallMs).toISOString() };
}

/** Without the time of their beginning, which two clocks tell a little differently each time. */
function reliefsOf({ reliefs }: SavedService['groups'][number]): NonNullable<GroupStatus['reliefs']> {
  return Object.entries(reliefs).map(([backend, { fault, share, badRatio, failedClimbs, expected }]) => ({
    ...{ backend, fault, failedClimbs, share: rounded(share), badRatio: rounded(badRatio) },
    ...(expected && {
      usual: Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, rounded(value)])),
    }),
  }));
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** `zone-a: v1 75 %, v2 25 %` */
function sayWeights({ group, backends }: ServiceStatus): string {
  return `${group}: ${backends.map(({ name, weight }) => `${name} ${Math.round(weight / 10) / 10} %`).join(', ')}`;
}

function lastVerdict(decisions: readonly Decision[]): RouteStatus['lastVerdict'] {
  const decision = decisions.find(({ kind }) => kind === 'verdict');
  if (!decision?.verdict) return undefined;
  const { verdict, group, atMs, why } = decision;
  return { verdict, group, at: new Date(atMs).toISOString(), why };
}
