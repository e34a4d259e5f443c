/**
 * `npm run bench:propagation`: from a decision to its being in force in every Envoy. The composition root.
 * Exit code 0: reported; 1: something could not run; 3: not reported because the machine was too busy.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findEnvoy } from '../../../deploy/local/envoy/find.ts';
import { milliseconds, quantile } from '../../../deploy/local/show/figures.ts';
import { EXIT_INTERRUPTED, runCommand, say, stoppedBySignal } from '../../support/command-line.ts';
import { seeded } from '../../support/random.ts';
import { foreignRatio, type MachineTrust, machineDoubts } from '../measure/machine.ts';
import { type Arguments, parseArguments, USAGE } from './arguments.ts';
import { type DecisionRecord, figuresOf } from './arrival.ts';
import { startFleet } from './fleet.ts';
import { Pins } from './pin.ts';
import { SERVICE_HOST } from './plan.ts';
import { Prober } from './prober.ts';
import { jsonOf, textOf, trustText } from './report.ts';
import { type Measured, measure } from './rounds.ts';

const EXIT_BUSY = 3;
const SAY_EVERY = 25;
const directory = join('run', 'propagation');

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

async function main(args: readonly string[]): Promise<number> {
  const asked = parseArguments(args);
  if (asked.isHelp) {
    say(USAGE);
    return 0;
  }
  const stopping = stoppedBySignal(new Interrupted('stopped'));
  const { signal } = stopping;
  try {
    const envoy = await findEnvoy({ env: process.env, platform: process.platform, arch: process.arch, say, signal });
    say(`starting a controller, 4 agents and 20 Envoys ${envoy.version}`);
    const startedMs = performance.now();
    const fleet = await startFleet(envoy.path, directory, stopping);
    let measured: Measured;
    let lagsMs: number[];
    const pins = new Pins(fleet.apiUrl);
    try {
      say(`ready after ${Math.round((performance.now() - startedMs) / 1000)} s; ${asked.decisions} decisions`);
      const prober = await Prober.open(fleet.envoys, SERVICE_HOST, asked.paceMs);
      lagsMs = prober.lagsMs;
      const random = seeded(asked.seed);
      try {
        measured = await measure({ ...asked, fleet, pins, prober, random, signal, onRecord: sayProgress });
      } finally {
        prober.close();
      }
    } finally {
      pins.close();
      await fleet.close();
    }
    rmSync(directory, { recursive: true, force: true });
    return report(measured, lagsMs, asked);
  } catch (error) {
    const why = signal.aborted ? signal.reason : error;
    if (!(why instanceof Interrupted)) throw why;
    say('stopped');
    return EXIT_INTERRUPTED;
  }
}

function report({ records, used }: Measured, lagsMs: readonly number[], asked: Arguments): number {
  const { json } = asked;
  const trust = trustOf(lagsMs, used);
  const refused = machineDoubts(trust, 'propagation');
  say(`\n${trustText(trust)}`);
  if (refused.length > 0) say(`not reported, the machine was too busy to trust:\n  ${refused.join('\n  ')}`);
  const figures = figuresOf(records);
  if (refused.length === 0) say(textOf(figures));
  if (json !== undefined) {
    writeFileSync(
      json,
      `${JSON.stringify(refused.length > 0 ? { refused } : jsonOf(figures, trust, asked), null, 2)}\n`,
    );
    say(`all figures: ${json}`);
  }
  return refused.length > 0 ? EXIT_BUSY : 0;
}

function trustOf(lagsMs: readonly number[], used: Measured['used']): MachineTrust {
  const lags = [...lagsMs].sort((a, b) => a - b);
  return {
    lagP50Ms: quantile(lags, 0.5),
    lagP99Ms: quantile(lags, 0.99),
    lagMaxMs: lags.at(-1),
    busyRatio: used && used.totalMs > 0 ? used.usedMs / used.totalMs : undefined,
    foreignRatio: foreignRatio({ totalMs: 0, usedMs: 0, ownMs: 0 }, used),
  };
}

function sayProgress(records: readonly DecisionRecord[]): void {
  if (records.length % SAY_EVERY !== 0) return;
  const { p50Ms, maxMs } = figuresOf(records).everywhere;
  say(`  ${records.length} decisions so far: in every Envoy p50 ${milliseconds(p50Ms)}, most ${milliseconds(maxMs)}`);
}

runCommand(main);
