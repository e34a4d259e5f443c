/** The figures as text and as JSON. Pure. */
import { milliseconds, percent } from '../../../deploy/local/show/figures.ts';
import type { MachineTrust } from '../measure/machine.ts';
import type { Arguments } from './arguments.ts';
import type { Figures, Quantiles } from './arrival.ts';
import { AGENTS } from './plan.ts';

/** What Weir promises. */
export const LIMIT_MS = 50;

export function textOf({ decisions, envoys, everywhere, perEnvoy, answered, resolution, returns }: Figures): string {
  const row = (name: string, { p50Ms, p99Ms, maxMs }: Quantiles) =>
    `  ${name.padEnd(30)}${[p50Ms, p99Ms, maxMs].map((ms) => milliseconds(ms).padStart(10)).join('')}`;
  return [
    `${decisions} decisions, ${envoys} Envoys on ${AGENTS} agents, from the sending of the POST that pins:`,
    `  ${''.padEnd(30)}${['p50', 'p99', 'most'].map((name) => name.padStart(10)).join('')}`,
    row('in force in every Envoy', everywhere),
    row('in force in one Envoy', perEnvoy),
    row('answered by the controller', answered),
    row('resolution of one Envoy', resolution),
    `an Envoy that went back to the old weights: ${returns === 0 ? 'never' : `${returns} answers`}`,
    `p99 in every Envoy ${everywhere.p99Ms <= LIMIT_MS ? 'is within' : 'is over'} ${LIMIT_MS} ms`,
  ].join('\n');
}

/** `probes p99 0.9 ms late; machine 61 % busy while probed, 2 % by others` */
export function trustText({ lagP99Ms, busyRatio, foreignRatio }: MachineTrust): string {
  return `probes p99 ${milliseconds(lagP99Ms)} late; machine ${percent(busyRatio)} busy while probed, ${percent(foreignRatio ?? undefined)} by others`;
}

export function jsonOf(
  figures: Figures,
  trust: MachineTrust,
  { paceMs, headStartMs }: Pick<Arguments, 'paceMs' | 'headStartMs'>,
): Record<string, unknown> {
  const { p50Ms, p99Ms } = figures.everywhere;
  return { p50Ms, p99Ms, ...figures, agents: AGENTS, limitMs: LIMIT_MS, paceMs, headStartMs, trust };
}
