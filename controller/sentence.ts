/**
 * A decision as one sentence, for the log and for the command: where, what moves, why, what was foretold and measured, how it
 * ended. It is the only text that most people will ever read of Weir, so it is made in one place.
 */
import type { Weights } from './decide/policy.ts';
import { milliseconds, percent } from './decide/say.ts';
import { shareOf } from './decide/weights.ts';
import type { Decision } from './decision.ts';

/** `search:80 from zone-a: verdict of trial 7, v2 33 % → 8 %, v1 67 % → 92 % because …; predicted 34 ms, measured 31 ms; kept` */
export function sentenceOf(decision: Decision): string {
  const { service, group, kind, by, why, trial, predictedLossMs, measuredLossMs, verdict } = decision;
  const subject = group === '*' ? service : `${service} from ${group}`;
  const parts = [headOf(decision), ...movesOf(decision.from, decision.to)];
  const figures = [
    ...(predictedLossMs === undefined ? [] : [`predicted ${milliseconds(predictedLossMs)}`]),
    ...(measuredLossMs === undefined ? [] : [`measured ${milliseconds(measuredLossMs)}`]),
  ];
  const ending = [
    ...(figures.length > 0 ? [figures.join(', ')] : []),
    ...(verdict ? [verdict] : []),
    ...(kind === 'trial' && trial ? [`${percent(trial.share)} of requests try it`] : []),
    ...(kind === 'manual' ? [`by ${by}`] : []),
  ];
  // What a person or a document did is its own reason; what Weir did follows from what it saw.
  const joint = kind === 'manual' || kind === 'route' ? ':' : ' because';
  return [`${subject}: ${parts.join(', ')}${joint} ${why.replace(/\.$/, '')}`, ...ending].join('; ');
}

/** Backends whose share changes, those that lose first. */
export function movesOf(from: Weights, to: Weights): string[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names
    .filter((name) => shareOf(from, name) !== shareOf(to, name))
    .sort((a, b) => shareOf(to, a) - shareOf(from, a) - (shareOf(to, b) - shareOf(from, b)))
    .map((name) => `${name} ${percent(shareOf(from, name))} → ${percent(shareOf(to, name))}`);
}

function headOf({ kind, trial }: Decision): string {
  if (kind === 'trial' && trial) return `trial ${trial.id}, stage ${trial.stage} of ${trial.stages}`;
  if (kind === 'verdict' && trial) return `verdict of trial ${trial.id}`;
  return kind;
}
