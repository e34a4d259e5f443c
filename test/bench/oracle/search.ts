/**
 * The best fixed weights of a scenario, by simulation: all starts, then from the two best of them up the hill, one backend of one
 * lane at a time (and of all lanes of a service together), in steps of 40, 20, 10 and 5 %. Every candidate faces the same
 * arrivals, service times and draws, of seeds that no run has. Bounded by count and not by time, so that the same scenario gives
 * the same weights on any machine. Pure.
 */
import { isSuccess } from '../../../deploy/local/apps/caller.ts';
import { countRequests } from '../../../deploy/local/load/rate.ts';
import type { ReadScenario } from '../../../deploy/local/scenario/read.ts';
import { rankOf } from '../../../deploy/local/show/figures.ts';
import type { FixedWeights } from '../peers/fixed-weights.ts';
import { type Candidate, type Lane, lanesOf, moved, weightsOfCandidate } from './candidate.ts';
import { isBetter, type Score, scoreOf, worseFromMs } from './score.ts';
import { type SimulatedRequest, simulate } from './simulate.ts';
import { startsOf } from './starts.ts';

const STEPS = [4_000, 2_000, 1_000, 500];
const MAX_EVALUATIONS = 300;
/** Simulated calls, about 10 s: a long scenario is searched less. */
const MAX_CALLS = 5_000_000;
const CLIMBS = 2;
/** Run seeds are the scenario's and the next few. */
const SEED_STRIDE = 1_000_003;
/** Requests of one seed from which two seeds say enough of a p99. */
const MANY_REQUESTS = 10_000;

export interface Found {
  readonly weights: FixedWeights;
  readonly score: Score;
  readonly evaluationCount: number;
}

interface Scored {
  readonly candidate: Candidate;
  readonly score: Score;
}

/** @param settlesS of the warm-up at most so much is played, s */
export function searchWeights(read: ReadScenario, settlesS: number): Found {
  const lanes = lanesOf(read.scenario);
  const trials = new Trials(read, lanes, settlesS);
  const starts: Scored[] = [];
  for (const candidate of startsOf(read, lanes)) {
    const score = starts.length === 0 || trials.mayGoOn() ? trials.evaluate(candidate, undefined) : undefined;
    if (score) starts.push({ candidate, score });
  }
  starts.sort(byScore);
  const tops = starts.slice(0, CLIMBS).map((start) => climb(start, lanes, trials));
  const [best] = tops.sort(byScore);
  if (!best) throw new Error(`${read.scenario.name} has nothing to weigh`);
  return { weights: weightsOfCandidate(lanes, best.candidate), score: best.score, evaluationCount: trials.count() };
}

/** What was tried, and how it went. */
class Trials {
  private readonly read: ReadScenario;
  private readonly lanes: readonly Lane[];
  private readonly settlesS: number;
  private readonly seeds: readonly number[];
  /** By candidate: its score, or the latency that too many of its requests reached. */
  private readonly known = new Map<string, Score | number>();
  private callCount = 0;
  /** Requests of all seeds that may be slower than the p99. Requests are the same for every candidate, and known after the first. */
  private mayBeSlow = Number.POSITIVE_INFINITY;

  constructor(read: ReadScenario, lanes: readonly Lane[], settlesS: number) {
    const { scenario, rates } = read;
    this.read = read;
    this.lanes = lanes;
    this.settlesS = settlesS;
    const seedCount = countRequests(scenario, rates) < MANY_REQUESTS ? 3 : 2;
    this.seeds = Array.from({ length: seedCount }, (_, i) => (scenario.seed + (i + 1) * SEED_STRIDE) % 2 ** 32);
  }

  count(): number {
    return this.known.size;
  }

  mayGoOn(): boolean {
    return this.known.size < MAX_EVALUATIONS && this.callCount < MAX_CALLS;
  }

  /**
   * Undefined: worse than `toBeat`. The simulation ends as soon as that is certain, when more requests are too slow than may be
   * above a p99, which for most candidates is early.
   */
  evaluate(candidate: Candidate, toBeat: Score | undefined): Score | undefined {
    const text = JSON.stringify(candidate);
    const tooSlowMs = toBeat && worseFromMs(toBeat);
    const before = this.known.get(text);
    if (typeof before === 'object') return before;
    if (before !== undefined && tooSlowMs !== undefined && tooSlowMs <= before) return undefined;
    const weights = weightsOfCandidate(this.lanes, candidate);
    let slowCount = 0;
    const isEnough = ({ latencyMs, status }: SimulatedRequest) => {
      if (tooSlowMs !== undefined && (latencyMs >= tooSlowMs || !isSuccess(status))) slowCount += 1;
      return slowCount > this.mayBeSlow;
    };
    const runs: (readonly SimulatedRequest[])[] = [];
    for (const seed of this.seeds) {
      const run = simulate({ read: this.read, weights, seed, settlesS: this.settlesS, isEnough });
      this.callCount += run.callCount;
      runs.push(run.requests);
      if (slowCount > this.mayBeSlow) {
        this.known.set(text, tooSlowMs ?? 0);
        return undefined;
      }
    }
    const count = runs.reduce((sum, requests) => sum + requests.length, 0);
    this.mayBeSlow = count - 1 - rankOf(count, 0.99);
    const score = scoreOf(this.read.scenario, runs);
    this.known.set(text, score);
    return score;
  }
}

function climb(start: Scored, lanes: readonly Lane[], trials: Trials): Scored {
  let best = start;
  /** Takes the move as often as it helps. */
  const follow = (lanesMoved: readonly number[], index: number, by: number): boolean => {
    for (let count = 0; ; count += 1) {
      const candidate = trials.mayGoOn() ? afterMove(best.candidate, lanesMoved, index, by) : undefined;
      const score = candidate && trials.evaluate(candidate, best.score);
      if (!score || !isBetter(score, best.score)) return count > 0;
      best = { candidate, score };
    }
  };
  const groups = [...together(lanes), ...lanes.map((_, i) => [i])];
  for (const step of STEPS) {
    for (let hasHelped = true; hasHelped; ) {
      hasHelped = false;
      for (const group of groups) {
        const backendCount = lanes[group[0] ?? 0]?.service.backends.length ?? 0;
        for (let index = 0; index < backendCount; index += 1) {
          for (const by of [step, -step]) hasHelped = follow(group, index, by) || hasHelped;
        }
      }
    }
  }
  return best;
}

/** Lanes of one service, where it has several. */
function together(lanes: readonly Lane[]): number[][] {
  const byService = new Map<string, number[]>();
  for (const [i, { key }] of lanes.entries()) byService.set(key, [...(byService.get(key) ?? []), i]);
  return [...byService.values()].filter((indices) => indices.length > 1);
}

/** Undefined where no lane moves. */
function afterMove(from: Candidate, lanesMoved: readonly number[], index: number, by: number): Candidate | undefined {
  let hasMoved = false;
  const candidate = from.map((weights, i) => {
    const next = lanesMoved.includes(i) ? moved(weights, index, by) : undefined;
    hasMoved ||= next !== undefined;
    return next ?? weights;
  });
  return hasMoved ? candidate : undefined;
}

function byScore(a: Scored, b: Scored): number {
  if (isBetter(a.score, b.score)) return -1;
  return isBetter(b.score, a.score) ? 1 : 0;
}
