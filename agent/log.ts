/**
 * Logs: one event a line, `event` in snake_case with fields and a short sentence.
 *
 * What is degraded usually stays so for a while and would be said with each request. Notices say it once a minute, with how
 * often it happened since, and say once when it is over. The counters behind /metrics count every time.
 */
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
type Fields = Readonly<Record<string, unknown>>;

const REPEAT_MS = 60_000;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export function createLog(level: LogLevel, fields: Fields): Log {
  return pino({
    level,
    base: { ...fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

export interface Notices {
  /** Warns, at most once a minute for each event; `suppressed` says how often it was kept quiet since. */
  degraded(event: string, fields: Fields, sentence: string): void;
  /** Says that it is over, if it was said to be so. */
  recovered(event: string, fields: Fields, sentence: string): void;
}

export function createNotices(log: Log, nowMs: () => number): Notices {
  const said = new Map<string, { atMs: number; suppressed: number }>();
  return {
    degraded(event, fields, sentence) {
      const last = said.get(event);
      if (last && nowMs() - last.atMs < REPEAT_MS) {
        last.suppressed += 1;
        return;
      }
      log.warn({ event, ...fields, ...(last?.suppressed ? { suppressed: last.suppressed } : {}) }, sentence);
      said.set(event, { atMs: nowMs(), suppressed: 0 });
    },
    recovered(event, fields, sentence) {
      if (said.delete(event)) log.info({ event: `${event}_over`, ...fields }, sentence);
    },
  };
}
