/**
 * Shows a running mesh: in a terminal a table that updates in place under a headline and over the news, elsewhere plain lines,
 * and the table now and then. All figures are of the last seconds and of what callers really saw.
 */
import { createLogUpdate } from 'log-update';
import type { RequestRecord } from '../apps/messages.ts';
import type { Scenario } from '../scenario/schema.ts';
import { latency, milliseconds, percent, quantile } from './figures.ts';
import { outcomeOf } from './summary.ts';
import { sharesText, tableText } from './table.ts';
import type { Tally } from './tally.ts';

/** Figures are of this long. */
export const WINDOW_MS = 5000;
const REDRAW_MS = 1000;
const LINE_EVERY_MS = 5000;
/** Of the lines, every sixth comes with the whole table. */
const TABLE_EVERY = 6;
/** Lines of news at most, however tall the terminal. */
const NEWS_LINES = 16;
/** Width of the time before a line of news. */
const STAMP_WIDTH = 9;
/** Enough for the window at any load that one machine can make. */
const RECENT_REQUESTS = 20_000;

export interface BoardSource {
  readonly title: string;
  readonly scenario: Scenario;
  readonly tally: Tally;
  readonly requests: () => readonly RequestRecord[];
  /** Ms since second 0 of the run. */
  readonly nowMs: () => number;
}

export interface Board {
  /** One line: an event, a decision. */
  news(line: string): void;
  /** @param isOver the run has come to its end: the last figures are shown */
  stop(isOver: boolean): void;
}

export function startBoard(source: BoardSource, output: NodeJS.WriteStream): Board {
  const canDrawOver = output.isTTY && process.env.TERM !== 'dumb';
  return canDrawOver ? startTable(source, output) : startLines(source, output);
}

function startTable(source: BoardSource, output: NodeJS.WriteStream): Board {
  const update = createLogUpdate(output);
  const news: string[] = [];
  const draw = () => update(frame(source, news, output.columns ?? 100, output.rows ?? 40));
  const timer = setInterval(draw, REDRAW_MS);
  output.on('resize', draw);
  draw();
  return {
    news: (line) => {
      news.push(`${stamp(source)} ${line}`);
      draw();
    },
    stop: (isOver) => {
      clearInterval(timer);
      output.removeListener('resize', draw);
      if (isOver) draw();
      update.done();
    },
  };
}

/**
 * What a terminal of that size shows: the headline, the table, and as much of the news as fits under it. No line is wider than
 * the terminal, since a line that wraps cannot be drawn over.
 */
export function frame(source: BoardSource, news: readonly string[], columns: number, rows: number): string {
  const table = tableText(source.scenario, source.tally, source.nowMs(), WINDOW_MS);
  // One line is the headline's and the cursor stands on one.
  const room = Math.max(1, Math.min(NEWS_LINES, rows - table.length - 2));
  const lines = [`${source.title}  ${stamp(source).trim()}  ${headline(source)}`, ...table];
  const cut = lines.map((line) => (line.length < columns ? line : `${line.slice(0, Math.max(1, columns - 2))}…`));
  return [...cut, ...lastNews(news, columns - 1, room)].join('\n');
}

/** The newest pieces of news that fit whole into `room` lines of that width, and at least the beginning of the last. */
function lastNews(news: readonly string[], width: number, room: number): string[] {
  let lines: string[] = [];
  for (const piece of [...news].reverse()) {
    const wrapped = wrap(piece, width);
    if (lines.length > 0 && lines.length + wrapped.length > room) break;
    lines = [...wrapped, ...lines];
  }
  return lines.slice(0, room);
}

/** Breaks at words; what follows stands under what was said and not under when. */
function wrap(text: string, width: number): string[] {
  const indent = ' '.repeat(Math.min(STAMP_WIDTH, Math.floor(width / 2)));
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > indent.length ? space : width;
    lines.push(rest.slice(0, end).trimEnd());
    rest = `${indent}${rest.slice(end).trimStart()}`;
  }
  return [...lines, rest];
}

function startLines(source: BoardSource, output: NodeJS.WriteStream): Board {
  const print = (line: string) => output.write(`${stamp(source)} ${line}\n`);
  const { scenario, tally, nowMs } = source;
  const table = () => output.write(`${tableText(scenario, tally, nowMs(), WINDOW_MS).join('\n')}\n`);
  let count = 0;
  const timer = setInterval(() => {
    if (nowMs() < WINDOW_MS) return;
    count += 1;
    print(`${headline(source)}; ${sharesText(scenario, tally, nowMs(), WINDOW_MS)}`);
    if (count % TABLE_EVERY === 0) table();
  }, LINE_EVERY_MS);
  return {
    news: print,
    stop: (isOver) => {
      clearInterval(timer);
      if (isOver) table();
    },
  };
}

function stamp(source: BoardSource): string {
  const nowMs = source.nowMs();
  return `t=${Number.isFinite(nowMs) ? (nowMs / 1000).toFixed(0) : '–'} s`.padEnd(8);
}

function headline({ requests, nowMs, scenario }: BoardSource): string {
  const toMs = nowMs();
  if (toMs <= 0) return 'warming up';
  const fromMs = Math.max(0, toMs - WINDOW_MS);
  const recent = requests().slice(-RECENT_REQUESTS);
  const seen = outcomeOf(recent, fromMs, toMs, scenario.targetMs);
  const rps = seen.requestCount / ((toMs - fromMs) / 1000);
  const lags = recent.filter(({ atMs }) => atMs >= fromMs).map(({ lagMs }) => lagMs);
  const lagMs = quantile(
    lags.sort((a, b) => a - b),
    0.99,
  );
  return [
    `${rps.toFixed(0)} req/s`,
    `p50 ${latency(seen.p50Ms)}`,
    `p99 ${latency(seen.p99Ms)}`,
    `failed ${percent(seen.failureCount / Math.max(1, seen.requestCount), 1)}`,
    ...(lagMs !== undefined && lagMs > 10 ? [`sent up to ${milliseconds(lagMs)} late`] : []),
  ].join(', ');
}
