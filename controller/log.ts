/**
 * The controller's log: JSON lines by pino, one event a line. Decisions are its story: read by themselves their sentences
 * tell what was seen, what was done, why, and how it turned out.
 */
import { type Logger, pino } from 'pino';
import type { Decision } from './decision.ts';
import { sentenceOf } from './sentence.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** @param destination where lines go; standard output if not said */
export function makeLog(level: string, destination?: { write(line: string): void }): Log {
  const options = {
    level,
    base: { process: 'controller' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(options, destination) : pino(options);
}

export function logDecision(log: Log, decision: Decision): void {
  const { id, kind, service, group, by, from, to, why, trial, predictedLossMs, measuredLossMs, verdict, evidence } =
    decision;
  log.info(
    {
      event: 'decision',
      id,
      kind,
      service,
      group,
      by,
      from,
      to,
      why,
      trial,
      predictedLossMs,
      measuredLossMs,
      verdict,
      evidence,
    },
    sentenceOf(decision),
  );
}
