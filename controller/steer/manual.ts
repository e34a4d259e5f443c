/**
 * How a person overrules Weir: freeze, pin, revert, and back. Each step is checked whole before anything changes, is in
 * force at once, and leaves a decision that names who did it and why.
 */
import type { Weights } from '../decide/policy.ts';
import { acceptPresent } from '../decide/relief/lane.ts';
import { BadWeights, NothingToUndo, NotSteered, UnknownGroup } from '../errors.ts';
import { WEIGHT_TOTAL } from '../wire/messages.ts';
import { effectiveWeights } from './effective.ts';
import { EVERYBODY, type Group, type Service, type Steps, setWeights, yardstickOf } from './service.ts';
import { endTrial } from './try-out.ts';

/** A revert says that the policy was wrong: it is not believed again for so many cool-downs. */
const REVERT_COOLDOWNS = 8;

export function freeze(services: readonly Service[], by: string, why: string, steps: Steps): void {
  for (const service of services) {
    service.frozen = { by, why, sinceWallMs: steps.at.wallMs };
    for (const group of service.groups.values()) {
      endTrial(service, group, 'aborted', `${by} froze the weights: ${why}`, steps);
      group.watch = undefined;
    }
    say(service, EVERYBODY, by, `frozen: ${why}`, steps);
  }
}

/** @throws NothingToUndo */
export function unfreeze(services: readonly Service[], by: string, steps: Steps): void {
  const frozen = services.filter((service) => service.frozen);
  if (frozen.length === 0) {
    throw new NothingToUndo(services.length === 1 ? `${services[0]?.name} is not frozen` : 'no service is frozen');
  }
  for (const service of frozen) {
    service.frozen = undefined;
    say(service, EVERYBODY, by, 'unfrozen', steps);
  }
}

/** @throws NotSteered, UnknownGroup, BadWeights */
export function pin(
  service: Service,
  groupName: string,
  weights: Weights,
  by: string,
  why: string,
  steps: Steps,
): void {
  mustSteer(service);
  const groups = groupsOf(service, groupName);
  const whole = checked(service, weights);
  for (const group of groups) {
    const from = effectiveWeights(group, service.route);
    endTrial(service, group, 'aborted', `${by} pinned the weights: ${why}`, steps);
    group.watch = undefined;
    endReliefs(service, group, steps);
    setWeights(group, whole);
    group.pinned = { by, why, sinceWallMs: steps.at.wallMs };
    say(service, group.name, by, `pinned: ${why}`, steps, { from, to: whole });
  }
}

/** @throws UnknownGroup, NothingToUndo */
export function unpin(service: Service, groupName: string, by: string, steps: Steps): void {
  const pinned = groupsOf(service, groupName).filter((group) => group.pinned);
  if (pinned.length === 0) throw new NothingToUndo(`${nameOf(service, groupName)} is not pinned`);
  for (const group of pinned) {
    group.pinned = undefined;
    say(service, group.name, by, 'unpinned; Weir goes on from these weights', steps, {
      from: group.weights,
      to: group.weights,
    });
  }
}

/**
 * Undoes the last change: a running trial, else a relief, else the last change of the stable weights.
 * @throws NotSteered, UnknownGroup, NothingToUndo
 */
export function revert(service: Service, groupName: string, by: string, steps: Steps): void {
  mustSteer(service);
  const groups = groupsOf(service, groupName);
  const open = groups.filter((group) => !group.pinned && isUndoable(group));
  if (open.length === 0) throw new NothingToUndo(whyNothing(service, groupName, groups));
  for (const group of open) {
    const from = effectiveWeights(group, service.route);
    const cooldownMs = service.route.spec.guard.cooldownS * 1_000;
    const why = undo(service, group, by, steps);
    group.quietUntilMs = steps.at.nowMs + REVERT_COOLDOWNS * cooldownMs;
    group.watch = undefined;
    say(service, group.name, by, why, steps, { from, to: effectiveWeights(group, service.route) });
  }
}

function isUndoable(group: Group): boolean {
  return (
    group.trial !== undefined || group.previous.length > 0 || [...group.lanes.values()].some(({ relief }) => relief)
  );
}

/** @returns what was undone, in words */
function undo(service: Service, group: Group, by: string, steps: Steps): string {
  const { trial } = group;
  if (trial) {
    endTrial(service, group, 'aborted', `${by} ended it`, steps);
    return `reverted: trial ${trial.id} is ended`;
  }
  if (endReliefs(service, group, steps)) return 'reverted: the relief is ended, and what is seen now counts as normal';
  const before = group.previous.pop();
  if (before) group.weights = before;
  return 'reverted to the weights before';
}

/** Ends reliefs and takes the present for normal, so that they do not begin again in a second. @returns whether there were any */
function endReliefs({ route }: Service, group: Group, { at }: Steps): boolean {
  let hadAny = false;
  for (const lane of group.lanes.values()) {
    if (!lane.relief) continue;
    hadAny = true;
    lane.relief = undefined;
    lane.relievedUntilMs = at.nowMs;
    acceptPresent(lane, yardstickOf(route));
  }
  return hadAny;
}

function whyNothing(service: Service, groupName: string, groups: readonly Group[]): string {
  const pinned = groups.find((group) => group.pinned);
  const name = nameOf(service, groupName);
  if (pinned?.pinned) return `${name} is pinned by ${pinned.pinned.by}; unpin it first`;
  return `${name} has no earlier weights to go back to`;
}

/** @throws BadWeights */
function checked(service: Service, weights: Weights): Weights {
  const names = service.route.spec.backends.map(({ name }) => name);
  const unknown = Object.keys(weights).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new BadWeights(`${service.name} has no backend ${unknown}; it has ${names.join(', ')}`);
  }
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  if (sum !== WEIGHT_TOTAL) throw new BadWeights(`the weights sum to ${sum}; they must sum to ${WEIGHT_TOTAL}`);
  return Object.fromEntries(names.map((name) => [name, weights[name] ?? 0]));
}

/** @throws UnknownGroup */
function groupsOf(service: Service, name: string): readonly Group[] {
  if (name === EVERYBODY) return [...service.groups.values()];
  const group = service.groups.get(name);
  if (group) return [group];
  throw new UnknownGroup(
    service.name,
    name,
    [...service.groups.keys()].filter((each) => each !== EVERYBODY),
  );
}

/** @throws NotSteered */
function mustSteer({ name, route }: Service): void {
  const { mode } = route.spec;
  if (mode !== 'enforce')
    throw new NotSteered(`${name} is in mode ${mode}, in which Weir sets no weights; its route must say enforce`);
}

function nameOf(service: Service, groupName: string): string {
  return groupName === EVERYBODY ? service.name : `${service.name} from ${groupName}`;
}

function say(
  service: Service,
  group: string,
  by: string,
  why: string,
  steps: Steps,
  moved?: { readonly from: Weights; readonly to: Weights },
): void {
  const present = service.groups.get(group)?.weights ?? {};
  const { from, to } = moved ?? { from: present, to: present };
  steps.decide({
    atMs: steps.at.wallMs,
    kind: 'manual',
    service: service.name,
    group,
    by,
    from,
    to,
    why,
    evidence: {},
  });
}
