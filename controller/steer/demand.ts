/**
 * Calls per second that one backend is to be ready for, for whoever sees to its replicas: what the caller groups are going to call, by the
 * weights in force. A forecast of less than is called now takes nothing away: who is wrong upwards pays for some replicas, who is wrong
 * downwards answers late. Pure.
 */
import { shareOf } from '../decide/weights.ts';
import { WEIGHT_TOTAL } from '../wire/messages.ts';
import type { ServiceStatus } from './status.ts';

export interface Demand {
  /** The larger of the two below. */
  readonly loadRps: number;
  /** Calls per second at the backend now, from every caller group. */
  readonly measuredRps: number;
  /** In the busiest window that is foreseen, by the weights in force; no group counts for less than it calls now. */
  readonly foreseenRps: number;
  /** How far ahead the forecasts look, s; 0 where there are none. */
  readonly aheadS: number;
}

/** @param groups the caller groups of the backend's service @param aheadMs how far ahead their forecasts look */
export function demandOf(groups: readonly ServiceStatus[], backend: string, aheadMs: number): Demand {
  const measuredRps = sum(groups.map((group) => viewOf(group, backend)?.loadRps ?? 0));
  const windowCount = Math.max(1, ...groups.map(({ forecastRps }) => forecastRps.length));
  const foreseen = Array.from({ length: windowCount }, (_, window) =>
    sum(groups.map((group) => Math.max(group.loadRps, group.forecastRps[window] ?? 0) * partOf(group, backend))),
  );
  const foreseenRps = Math.max(...foreseen);
  return { loadRps: Math.max(measuredRps, foreseenRps), measuredRps, foreseenRps, aheadS: aheadMs / 1_000 };
}

/** Part of the group's calls that the backend gets, 0 to 1: by both arms of a trial; as measured where no table is in force. */
function partOf(group: ServiceStatus, backend: string): number {
  const view = viewOf(group, backend);
  if (!view) return 0;
  if (group.mode !== 'enforce') return group.loadRps > 0 ? view.loadRps / group.loadRps : 0;
  const stable = view.weight / WEIGHT_TOTAL;
  const { trial } = group;
  return trial ? (1 - trial.share) * stable + trial.share * shareOf(trial.to, backend) : stable;
}

function viewOf({ backends }: ServiceStatus, name: string): ServiceStatus['backends'][number] | undefined {
  return backends.find((backend) => backend.name === name);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
