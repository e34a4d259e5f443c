/** One service and caller group as a person or a dashboard asks for it. Plain data. */
import type { BackendView, Weights } from '../decide/policy.ts';
import { whyFrozen } from '../guard/freezes.ts';
import { whyNotImprove } from '../guard/guard.ts';
import type { Group, Hold, Instant, Service } from './service.ts';
import { stageOf } from './try-out.ts';
import { viewOf } from './view.ts';

export interface ServiceStatus {
  /** host:port */
  readonly service: string;
  /** Zone of the callers, or '*' */
  readonly group: string;
  readonly mode: 'observe' | 'recommend' | 'enforce';
  readonly policy: string;
  readonly frozen: Hold | null;
  readonly pinned: Hold | null;
  readonly trial: {
    readonly id: number;
    readonly stage: number;
    readonly stages: number;
    readonly share: number;
    readonly to: Weights;
  } | null;
  /** Backends in relief. */
  readonly relieved: readonly string[];
  /** What keeps the policy from being asked now; null when nothing does. */
  readonly waitsFor: string | null;
  readonly loadRps: number;
  readonly forecastRps: readonly number[];
  /** Weight is the one in force, relief included. */
  readonly backends: readonly BackendView[];
}

export function statusOf(service: Service, group: Group, forecastRps: readonly number[], at: Instant): ServiceStatus {
  const view = viewOf(service, group, forecastRps, at.nowMs);
  const { mode, policy } = service.route.spec;
  const { trial } = group;
  const frozen = whyFrozen(service.route, service.frozen, at.wallMs);
  return {
    service: service.name,
    group: group.name,
    mode,
    policy,
    frozen: frozen ?? null,
    pinned: group.pinned ?? null,
    trial: trial ? { ...stageOf(trial), to: trial.to } : null,
    relieved: [...group.lanes].flatMap(([name, { relief }]) => (relief ? [name] : [])),
    waitsFor: frozen ? 'frozen' : (whyNotImprove(service, group, at.nowMs) ?? null),
    loadRps: view.loadRps,
    forecastRps,
    backends: view.backends,
  };
}
