/**
 * What the core leaves in the store and takes up from it: one value per service each window, what was normal now and then,
 * and the last trial's number, so that no trial is ever taken for another. Where the store is another controller's, or empty, what
 * lies beside the routes is taken up in its place.
 */
import { isSame } from '../decide/weights.ts';
import { type LostTrial, loadPasts, loadService, type SavedService, savePasts, saveService } from './saved.ts';
import { changeRoute, type Instant, isOfBackends, type Service, type Steps } from './service.ts';

/** How old the saved pasts may be while nothing is relieved; writing them each window would be most of what is ever written. */
const PASTS_EVERY_MS = 15_000;
const SERVICE_KEY = 'service:';
const PASTS_KEY = 'pasts:';
const TRIALS_KEY = 'trials';

export interface KeyedState {
  readonly key: string;
  readonly value: unknown;
}

/** What a controller left beside a route. */
export interface Remembered {
  /** host:port */
  readonly service: string;
  /** Of that controller. */
  readonly epoch: number;
  readonly state: SavedService;
}

/** @returns the saved state of a service by its name */
export function savedServices(states: readonly KeyedState[]): (service: string) => SavedService | undefined {
  const byKey = new Map(states.map(({ key, value }) => [key, value]));
  return (service) => byKey.get(SERVICE_KEY + service) as SavedService | undefined;
}

/**
 * What to go on with: the store's, but of a service that it does not know, or that a controller of a higher epoch than the store has
 * counted has steered since, what that one left beside its route.
 */
export function takeUp(
  states: readonly KeyedState[],
  remembered: readonly Remembered[],
  storeEpoch: number,
): { readonly states: readonly KeyedState[]; readonly fromRoutes: number; readonly said: string } {
  const byKey = new Map(states.map(({ key, value }) => [key, value]));
  const taken = remembered.filter(({ service, epoch }) => epoch > storeEpoch || !byKey.has(SERVICE_KEY + service));
  let lastTrialId = byKey.get(TRIALS_KEY);
  for (const { service, state } of taken) {
    byKey.set(SERVICE_KEY + service, state);
    for (const { trial } of state.groups) {
      if (trial) lastTrialId = Math.max(trial.id, typeof lastTrialId === 'number' ? lastTrialId : 0);
    }
  }
  if (lastTrialId !== undefined) byKey.set(TRIALS_KEY, lastTrialId);
  const sources = [
    ...(states.length > 0 ? ['from the store'] : []),
    ...(taken.length > 0 ? [`of ${taken.length} services from the status of their routes`] : []),
  ];
  return {
    states: [...byKey].map(([key, value]) => ({ key, value })),
    fromRoutes: taken.length,
    said: sources.length > 0 ? `state taken up ${sources.join(' and ')}` : 'no saved state',
  };
}

export class Memory {
  private lastTrialId = 0;
  private pasts: readonly KeyedState[] = [];
  private pastsAtMs = Number.NEGATIVE_INFINITY;
  private relieved = '';

  nextTrialId(): number {
    this.lastTrialId += 1;
    return this.lastTrialId;
  }

  save(services: readonly Service[], at: Instant): readonly KeyedState[] {
    // A relief rests on its backend's past: lost with a restart, a backend that still fails would look well.
    const relieved = reliefsOf(services);
    if (at.nowMs - this.pastsAtMs >= PASTS_EVERY_MS || relieved !== this.relieved) {
      this.relieved = relieved;
      this.pastsAtMs = at.nowMs;
      this.pasts = services.map((service) => ({ key: PASTS_KEY + service.name, value: savePasts(service, at.wallMs) }));
    }
    return [
      ...services.map((service) => ({ key: SERVICE_KEY + service.name, value: saveService(service, at) })),
      ...this.pasts,
      { key: TRIALS_KEY, value: this.lastTrialId },
    ];
  }

  /** Puts what an earlier life left into new services. What cannot be read is left out with a warning. */
  load(services: readonly Service[], states: readonly KeyedState[], steps: Steps): void {
    const saved = new Map(states.map(({ key, value }) => [key, value]));
    const lastTrialId = saved.get(TRIALS_KEY);
    if (typeof lastTrialId === 'number' && Number.isSafeInteger(lastTrialId)) this.lastTrialId = lastTrialId;
    for (const service of services) {
      const value = saved.get(SERVICE_KEY + service.name);
      if (value === undefined) continue;
      const lost = loadService(service, value, steps.at);
      if (!lost) {
        const message = `the saved state of ${service.name} cannot be read; it starts from its route`;
        steps.warn('state_ignored', message, { service: service.name });
        continue;
      }
      // The route may have changed while nobody was there.
      if ([...service.groups.values()].some(({ weights }) => !isOfBackends(weights, service.route.spec.backends))) {
        changeRoute(service, service.route, steps.at);
      }
      loadPasts(service, saved.get(PASTS_KEY + service.name), steps.at);
      for (const trial of lost) sayLost(service, trial, steps);
    }
  }
}

/** Which backends are relieved, as text to compare. */
function reliefsOf(services: readonly Service[]): string {
  return services
    .flatMap(({ name, groups }) =>
      [...groups.values()].flatMap((group) =>
        [...group.lanes].flatMap(([backend, { relief }]) => (relief ? [`${name} ${group.name} ${backend}`] : [])),
      ),
    )
    .join();
}

function sayLost(service: Service, { group, trial }: LostTrial, { at, decide }: Steps): void {
  const { to, ...stage } = trial;
  decide({
    atMs: at.wallMs,
    kind: 'verdict',
    service: service.name,
    group: group.name,
    by: 'trial',
    from: isSame(to, group.weights) ? group.weights : to,
    to: group.weights,
    why: 'the controller was restarted while it ran, so what it measured has a hole',
    trial: stage,
    verdict: 'aborted',
    evidence: {},
  });
}
