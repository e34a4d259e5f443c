/** One run: a scenario in one set-up with one seed, in real Envoys, and its figures. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildRoot } from '../../../deploy/local/root.ts';
import { runScenario } from '../../../deploy/local/run.ts';
import type { ReadScenario } from '../../../deploy/local/scenario/read.ts';
import { type SetUp, scenarioFor } from '../peers/set-ups.ts';
import { type Figures, figuresOf, type Point, seriesOf } from './figures.ts';
import { foreignRatio, type MachineReading, type MachineTrust, machineDoubts, readMachine } from './machine.ts';

export interface RunRecord {
  readonly scenario: string;
  readonly setUp: string;
  readonly seed: number;
  readonly figures: Figures;
  readonly series: readonly Point[];
  readonly trust: MachineTrust;
  /** Why it is not to be believed; empty when it is. */
  readonly doubts: readonly string[];
  /** Decisions of the controller, as `kind service group: why`. */
  readonly decisions: readonly string[];
  /** Parts of Weir that ended by themselves. */
  readonly lost: readonly string[];
}

export interface RunOrder {
  readonly read: ReadScenario;
  readonly setUp: SetUp;
  readonly seed: number;
  readonly envoy: string;
  /** For logs; removed when the run went well. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Seconds of load, warm-up included. */
export function loadS({ durationS, warmupS }: { durationS: number; warmupS: number }, { settlesS }: SetUp): number {
  return durationS + Math.min(warmupS, settlesS);
}

/** @throws Error when it is stopped or the mesh fails */
export async function runOnce(order: RunOrder): Promise<RunRecord> {
  const { read, setUp, seed, directory } = order;
  const scenario = scenarioFor({ ...read.scenario, seed }, setUp);
  let from: MachineReading | undefined;
  let to: MachineReading | undefined;
  rmSync(directory, { recursive: true, force: true });
  const result = await runScenario({
    scenario,
    rates: read.rates,
    seed,
    envoy: order.envoy,
    directory,
    isSteered: setUp.isSteered,
    signal: order.signal,
    ...(setUp.shared ? { shared: setUp.shared } : {}),
    ...(setUp.controllerFile ? { controllerFile: join(buildRoot, setUp.controllerFile) } : {}),
    ...(setUp.settlesS < scenario.warmupS ? { playedWarmupS: setUp.settlesS } : {}),
    interventions: [
      {
        atS: 0,
        act: async () => {
          from = readMachine();
        },
      },
      {
        atS: scenario.durationS - 0.1,
        act: async () => {
          to = readMachine();
        },
      },
    ],
  });
  const trust = { ...result.summary.trust, foreignRatio: foreignRatio(from, to) };
  rmSync(directory, { recursive: true, force: true });
  return {
    scenario: scenario.name,
    setUp: setUp.name,
    seed,
    figures: figuresOf(scenario, result.requests, result.tally),
    series: seriesOf(scenario, result.requests, result.tally),
    trust,
    doubts: [
      ...machineDoubts(trust, setUp.name),
      ...result.lost.map((name) => `${name} ended by itself in the ${setUp.name} run`),
    ],
    decisions: result.decisions.map(({ kind, service, group, why }) => `${kind} ${service} ${group}: ${why}`),
    lost: result.lost,
  };
}
