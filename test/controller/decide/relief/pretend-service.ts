/** A service with backends whose calls are drawn by chance, looked at by relief after every window as the core does it. */
import {
  addUp,
  type Evidence,
  evidenceOf,
  isSuspect,
  type Judgement,
  judge,
} from '../../../../controller/decide/relief/judge.ts';
import { closeWindow, type Lane, newLane, settle } from '../../../../controller/decide/relief/lane.ts';
import { type Draws, wireUs } from '../draws.ts';

export interface Behaviour {
  readonly loadRps: number;
  readonly errorRatio: number;
  /** Log-normal with this mean; σ of the logarithm. */
  readonly meanMs: number;
  readonly sigma: number;
}

export const TARGET_MS = 500;
export const yardstick = { worstMs: 10 * TARGET_MS, errorBudget: 0.001 };
const WINDOW_MS = 1_000;

export class PretendService {
  readonly lanes: readonly Lane[];
  nowMs = 0;
  private readonly draws: Draws;

  constructor(backends: number, draws: Draws) {
    this.lanes = Array.from({ length: backends }, () => newLane(0));
    this.draws = draws;
  }

  /** One window of calls, one behaviour per backend. @returns what is found of each backend */
  window(behaviours: readonly Behaviour[]): (Judgement | undefined)[] {
    this.nowMs += WINDOW_MS;
    for (const [i, lane] of this.lanes.entries()) {
      const behaviour = behaviours[i];
      if (behaviour) call(lane, behaviour, this.draws);
      closeWindow(lane, this.nowMs, yardstick);
    }
    const found = this.lanes.map((lane) => judge(spansOf(lane), this.siblingsOf(lane), TARGET_MS));
    for (const [i, lane] of this.lanes.entries()) {
      const isDoubtful = found[i] !== undefined || spansOf(lane).some(isSuspect);
      lane.suspectSinceMs = isDoubtful ? (lane.suspectSinceMs ?? this.nowMs) : undefined;
      settle(lane, yardstick);
    }
    return found;
  }

  windows(count: number, behaviours: readonly Behaviour[]): void {
    for (let i = 0; i < count; i++) this.window(behaviours);
  }

  /** Windows until backend 0 is found to fail, at most `limit`; more than that where it is not. */
  windowsUntilFound(
    limit: number,
    behaviours: readonly Behaviour[],
  ): { windows: number; found: Judgement | undefined } {
    for (let windows = 1; windows <= limit; windows++) {
      const [found] = this.window(behaviours);
      if (found) return { windows, found };
    }
    return { windows: limit + 1, found: undefined };
  }

  private siblingsOf(lane: Lane): Evidence | undefined {
    const others = this.lanes.filter((each) => each !== lane);
    return addUp(others.map((each) => evidenceOf(each.windows.slice(-3), each.expected)));
  }
}

/** Evidence of the last window, the last two, the last three. */
export function spansOf(lane: Lane): Evidence[] {
  return [1, 2, 3].map((count) => evidenceOf(lane.windows.slice(-count), lane.expected));
}

function call({ open }: Lane, { loadRps, errorRatio, meanMs, sigma }: Behaviour, draws: Draws): void {
  const count = draws.poisson((loadRps * WINDOW_MS) / 1_000);
  for (let i = 0; i < count; i++) {
    open.calls += 1;
    open.attempts += 1;
    if (draws.uniform() < errorRatio) open.failures += 1;
    else open.latency.push(wireUs(draws.logNormal(meanMs, sigma)), 1);
  }
}
