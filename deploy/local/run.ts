/** One run of a scenario, steered or not: mesh up, load, events, figures, mesh down. */
import type { RequestRecord } from './apps/messages.ts';
import { Mesh, type MeshOptions } from './mesh/mesh.ts';
import type { Event, Scenario } from './scenario/schema.ts';
import { type Board, startBoard } from './show/board.ts';
import { type Decision, followDecisions, sayDecision } from './show/decisions.ts';
import { courseOf, faultsOf } from './show/faults.ts';
import { outcomeOf, type RunSummary } from './show/summary.ts';
import { Tally } from './show/tally.ts';
import { trustOf } from './show/trust.ts';

export interface RunOptions extends Omit<MeshOptions, 'watcher'> {
  /** Where the run is shown; undefined: nowhere. */
  readonly output?: NodeJS.WriteStream | undefined;
  /** Stops the run, which then throws. */
  readonly signal: AbortSignal;
}

export interface RunResult {
  readonly summary: RunSummary;
  readonly requests: readonly RequestRecord[];
  /** Every call by cluster and time; and the same by the zone of its caller. */
  readonly tally: Tally;
  readonly tallies: ReadonlyMap<string, Tally>;
  /** What the controller decided, oldest first; empty of an unsteered run. */
  readonly decisions: readonly Decision[];
  /** Wall clock at second 0, ms since 1970. */
  readonly zeroWallMs: number;
  /** Parts of Weir that ended by themselves. */
  readonly lost: readonly string[];
}

/** @throws Error when it is stopped, the mesh does not start, or an app or Envoy dies */
export async function runScenario(options: RunOptions): Promise<RunResult> {
  const { scenario, signal, output } = options;
  signal.throwIfAborted();
  const tally = new Tally();
  const tallies = new Map(scenario.nodes.map(({ zone }) => [zone, new Tally()]));
  const lost: string[] = [];
  const decisions: Decision[] = [];
  let board: Board | undefined;
  const mesh = new Mesh({
    ...options,
    watcher: {
      requests: () => {},
      calls: (records, atMs) => {
        for (const record of records) {
          tally.add(record, atMs);
          tallies.get(record.zone)?.add(record, atMs);
        }
      },
      event: (event) => board?.news(sayEvent(event)),
      lost: (name, how) => {
        lost.push(name);
        board?.news(`${name} ended by itself (${how}); the mesh goes on without it`);
      },
    },
  });
  const stop = () => void mesh.close();
  signal.addEventListener('abort', stop);
  try {
    await mesh.start();
    if (output) board = startBoard(boardSource(options, mesh, tally), output);
    const following =
      mesh.weir &&
      followDecisions(mesh.weir.apiUrl, (decision) => {
        decisions.push(decision);
        board?.news(sayDecision(decision));
      });
    let isOver = false;
    try {
      await mesh.run();
      isOver = true;
    } finally {
      await following?.stop();
      board?.stop(isOver);
    }
  } finally {
    await mesh.close();
    signal.removeEventListener('abort', stop);
  }
  const zeroWallMs = Date.now() - mesh.nowMs();
  const summary = summarise(scenario, mesh, tally);
  return { summary, requests: mesh.requests, tally, tallies, decisions, zeroWallMs, lost };
}

function boardSource({ scenario, isSteered }: RunOptions, mesh: Mesh, tally: Tally) {
  return {
    title: `${scenario.name}, ${isSteered ? 'steered' : 'unsteered'}`,
    scenario,
    tally,
    requests: () => mesh.requests,
    nowMs: () => mesh.nowMs(),
  };
}

function summarise(scenario: Scenario, { requests, machineBusyRatio }: Mesh, tally: Tally): RunSummary {
  return {
    whole: outcomeOf(requests, 0, scenario.durationS * 1000, scenario.targetMs),
    faults: faultsOf(scenario).map((fault) => ({
      fault,
      course: courseOf(tally, fault),
      during: outcomeOf(requests, fault.brokenMs, fault.healedMs, scenario.targetMs),
    })),
    trust: trustOf(requests, machineBusyRatio),
  };
}

/** An event in words: its note, or a sentence made from it. */
export function sayEvent(event: Event): string {
  if (event.note !== undefined) return event.note;
  if (event.load) return `load × ${event.load.multiplier}${event.load.zone ? ` from ${event.load.zone}` : ''}`;
  if (event.wire) return `${event.wire.between.join(' to ')}: ${event.wire.oneWayMs} ms each way`;
  const where = event.endpoint === undefined ? event.backend : `${event.backend} endpoint ${event.endpoint}`;
  return event.heal ? `${where} is healed` : `${where} changes: ${JSON.stringify(event.change)}`;
}
