/**
 * Reports that waited in an agent's outbox while the controller was away come all at once. Taken for one window they would
 * read as a flood, so they do not count: what is a minute old says little of now. The clocks of agents are not trusted
 * alone; a report is a replay when it is old by its own clock and came right behind another of the same node.
 */
import type { Report } from '../wire/messages.ts';

const OLD_WINDOWS = 3;
const CLOSE_PART = 0.5;
const MAX_NODES = 20_000;

export class Replays {
  private readonly arrivals = new Map<string, number>();

  isReplay(report: Report, nowMs: number, wallMs: number): boolean {
    const node = report.edges[0]?.caller.node ?? report.proxies[0]?.caller.node;
    if (node === undefined) return false;
    const beforeMs = this.arrivals.get(node) ?? Number.NEGATIVE_INFINITY;
    if (this.arrivals.size >= MAX_NODES) this.arrivals.clear();
    this.arrivals.set(node, nowMs);
    const ageMs = wallMs - report.windowStartMs - report.windowMs;
    return nowMs - beforeMs < report.windowMs * CLOSE_PART && ageMs > report.windowMs * OLD_WINDOWS;
  }
}
