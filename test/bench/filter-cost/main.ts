/**
 * `npm run bench:filter`: what Weir's filter costs beside other ways to do its work, in real Envoys. The composition root.
 * Exit code 0: reported; 1: something could not run; 3: not reported, because the machine was too busy to trust.
 */
import { writeFileSync } from 'node:fs';
import { chanceOf } from '../../../deploy/local/random.ts';
import { EXIT_INTERRUPTED, runCommand, say, stoppedBySignal } from '../../support/command-line.ts';
import { FOREIGN_RATIO } from '../measure/machine.ts';
import { type Arguments, parseArguments, USAGE } from './arguments.ts';
import { compared, figuresOf, jsonOf, linesOf } from './figures.ts';
import { buildFilter } from './filters.ts';
import { findCores, pin } from './pin.ts';
import { describeMachine } from './processor.ts';
import { isDisturbed, type Plan, type Round, runRound } from './rounds.ts';
import { NONE } from './variants.ts';

const EXIT_BUSY = 3;
const SEED = 1;
/** Disturbed rounds are made anew, but not for ever. */
const MOST_EXTRA_SHARE = 0.25;

async function main(args: readonly string[]): Promise<number> {
  const asked = parseArguments(args);
  if (asked.isHelp) {
    say(USAGE);
    return 0;
  }
  const { signal } = stoppedBySignal();
  try {
    const rounds = await measure(asked, signal);
    if (!rounds) return EXIT_BUSY;
    const figures = figuresOf(rounds, chanceOf(SEED, 'resampling'));
    say(`\n${linesOf(figures).join('\n')}`);
    if (asked.json !== undefined) {
      writeFileSync(asked.json, `${JSON.stringify(jsonOf(figures), null, 2)}\n`);
      say(`all figures: ${asked.json}`);
    }
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    say('stopped; nothing is reported');
    return EXIT_INTERRUPTED;
  }
}

/** @returns as many undisturbed rounds as were asked for; undefined: the machine did not allow it */
async function measure(asked: Arguments, signal: AbortSignal): Promise<Round[] | undefined> {
  say('building the filters to compare with');
  const wasm = { empty: await buildFilter('empty', signal), sdkClasses: await buildFilter('sdk-classes', signal) };
  const plan: Plan = { ...asked, wasm, cores: findCores() };
  if (plan.cores) pin(process.pid, plan.cores.load);
  const where = plan.cores
    ? `Envoys on core ${plan.cores.envoy}, load and origins on core ${plan.cores.load}`
    : 'not kept on cores of their own (that takes two of them and taskset), so expect more noise';
  say(`${describeMachine()}; ${where}; ${asked.rounds} rounds with five new Envoys each`);
  const random = chanceOf(SEED, 'arrivals');
  const startedMs = performance.now();
  const rounds: Round[] = [];
  let disturbed = 0;
  while (rounds.length < asked.rounds) {
    const round = await runRound(plan, rounds.length, random, signal);
    if (!isDisturbed(round)) {
      rounds.push(round);
      const leftS =
        ((performance.now() - startedMs) / 1_000 / (rounds.length + disturbed)) * (asked.rounds - rounds.length);
      say(`round ${rounds.length} of ${asked.rounds}, ${Math.ceil(leftS)} s left: ${progressOf(round)}`);
      continue;
    }
    disturbed += 1;
    const foreign = round.foreignRatio === null ? 'an unknown part' : `${Math.round(round.foreignRatio * 100)} %`;
    say(`round ${rounds.length + 1} is made anew: other processes took ${foreign} of the machine`);
    if (round.foreignRatio === null || disturbed > Math.ceil(asked.rounds * MOST_EXTRA_SHARE)) {
      say(
        `not reported, the machine was too busy to trust: in ${disturbed} of ${disturbed + rounds.length} rounds other processes took more than ${FOREIGN_RATIO * 100} % of it, by /proc; leave it alone`,
      );
      return undefined;
    }
  }
  const reports = rounds.reduce((sum, round) => sum + round.reports, 0);
  say(`every call of the two that measure was in one of their ${reports} reports`);
  return rounds;
}

function progressOf({ of, halfLoadRps }: Round): string {
  const added = compared.map((name) => `${name} ${(of[name].cpuUs - of[NONE].cpuUs).toFixed(1)}`);
  return `no filter ${of[NONE].cpuUs.toFixed(1)} µs, half load ${Math.round(halfLoadRps)}/s; added: ${added.join(', ')}`;
}

runCommand(main);
