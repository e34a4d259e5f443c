/**
 * Whether the mesh is being measured at all. A silent service and a service of which nobody reports look alike in the figures; who adds
 * or takes away machines by them must be told which it is.
 */

/** So long without a report nobody measures; longer where windows are long. */
const SILENT_MS = 15_000;
const SILENT_WINDOWS = 3;
/** Agents find a controller that is back within 10 s; until then the figures are of some of them. */
const SETTLED_AFTER_MS = 20_000;

export class Reporting {
  private sinceMs = 0;
  private lastMs: number | undefined;
  private silentAfterMs = SILENT_MS;

  observe(windowMs: number, nowMs: number): void {
    if (this.lastMs === undefined || nowMs - this.lastMs > this.silentAfterMs) this.sinceMs = nowMs;
    this.lastMs = nowMs;
    this.silentAfterMs = Math.max(SILENT_MS, SILENT_WINDOWS * windowMs);
  }

  /** Why what is measured now says little; undefined where it may be relied on. */
  whyUnsettled(nowMs: number): string | undefined {
    if (this.lastMs === undefined) return 'no agent has reported yet';
    const silentMs = nowMs - this.lastMs;
    if (silentMs > this.silentAfterMs) return `no agent has reported for ${Math.round(silentMs / 1_000)} s`;
    const reportedMs = nowMs - this.sinceMs;
    if (reportedMs >= SETTLED_AFTER_MS) return undefined;
    return `agents have reported for ${Math.round(reportedMs / 1_000)} s, and all of them may be there after ${SETTLED_AFTER_MS / 1_000} s`;
  }
}
