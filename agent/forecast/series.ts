/**
 * The series of this node, one per caller and cluster: report windows added up to forecast windows, each with a chooser.
 *
 * Looking for a season is the one thing that is dear, so each report window a few series have their turn, however many there
 * are: 8 of the longest cost 6 ms. With 5,000 series each has its turn in about ten minutes, with 100 in every minute of news.
 */
import type { Caller, EdgeReport, ForecastReport } from '../../controller/wire/messages.ts';
import { callerKey, callsOf } from '../aggregate/window.ts';
import { Chooser } from './chooser.ts';

/** A series without a call for so many forecast windows is forgotten. */
const IDLE_WINDOWS = 60;
export const MAX_SERIES = 5_000;
const SEARCHES_PER_TURN = 8;
/** Fewer new windows than these seldom show another season. */
const SEARCH_AFTER_WINDOWS = 6;

interface Series {
  readonly caller: Caller;
  readonly cluster: string;
  readonly chooser: Chooser;
  /** When its first calls can have been made, ms. */
  readonly bornMs: number;
  calls: number;
  idleWindows: number;
}

export interface SeriesLimits {
  readonly maxSeries: number;
  readonly searchesPerTurn: number;
}

export class SeriesSet {
  readonly #series = new Map<string, Series>();
  readonly #windowMs: number;
  readonly #limits: SeriesLimits;
  #startedMs: number;
  /** Series whose turn to be searched is still to come in this round. */
  #waiting: Chooser[] = [];
  #crowdedOut = 0;

  /** @param windowMs length of a forecast window, at least that of a report window */
  constructor(
    windowMs: number,
    nowMs: number,
    limits: SeriesLimits = { maxSeries: MAX_SERIES, searchesPerTurn: SEARCHES_PER_TURN },
  ) {
    this.#windowMs = windowMs;
    this.#startedMs = nowMs;
    this.#limits = limits;
  }

  /** Adds the calls of one edge in the report window that began at `sinceMs`. */
  add(edge: EdgeReport, sinceMs: number): void {
    const key = `${callerKey(edge.caller)}\0${edge.cluster}`;
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= this.#limits.maxSeries) {
        this.#crowdedOut += 1;
        return;
      }
      const { caller, cluster } = edge;
      series = { caller, cluster, chooser: new Chooser(), bornMs: sinceMs, calls: 0, idleWindows: 0 };
      this.#series.set(key, series);
    }
    series.calls += callsOf(edge);
  }

  /** Closes the forecast window if it is over, and then tells what comes; else nothing, since nothing is new. */
  close(nowMs: number): ForecastReport[] {
    if (nowMs - this.#startedMs < this.#windowMs) return [];
    const startedMs = this.#startedMs;
    this.#startedMs = nowMs;
    const reports: ForecastReport[] = [];
    for (const [key, series] of this.#series) {
      series.idleWindows = series.calls === 0 ? series.idleWindows + 1 : 0;
      if (series.idleWindows > IDLE_WINDOWS) {
        this.#series.delete(key);
        continue;
      }
      // A window that a series saw the end of only is no measure of it.
      const seenMs = nowMs - Math.max(startedMs, series.bornMs);
      if (seenMs >= this.#windowMs / 2) series.chooser.observe((series.calls * 1_000) / seenMs);
      series.calls = 0;
      const { forecaster, loadRps, errorRps } = series.chooser.forecast();
      const { caller, cluster } = series;
      reports.push({ caller, cluster, forecaster, windowMs: this.#windowMs, loadRps: [...loadRps], errorRps });
    }
    return reports;
  }

  /** Looks for the seasons of the few series whose turn it is. Call it once per report window. */
  lookForSeasons(): void {
    if (this.#waiting.length === 0) {
      this.#waiting = [...this.#series.values()]
        .map(({ chooser }) => chooser)
        .filter((chooser) => chooser.observedSinceSearch >= SEARCH_AFTER_WINDOWS)
        .reverse();
    }
    for (let i = 0; i < this.#limits.searchesPerTurn; i++) this.#waiting.pop()?.lookForSeason();
  }

  /** Edges that found no room since the last call. */
  takeCrowdedOut(): number {
    const crowdedOut = this.#crowdedOut;
    this.#crowdedOut = 0;
    return crowdedOut;
  }

  get size(): number {
    return this.#series.size;
  }
}
