/**
 * The probes of all Envoys. On a machine of few cores 20 Envoys that each get a request now and then run with cold caches: a probe
 * cost half a ms of processor time and more where a request under load costs a tenth of that. So probes are few: one after the other
 * over all Envoys, and only through those that have not followed yet, which are asked the oftener the fewer they are.
 * How late each is sent is kept, as the load generator's lateness is elsewhere.
 */
import type { ProbeAnswer } from './arrival.ts';
import { Probe } from './probe.ts';

export interface ProbeTarget {
  readonly name: string;
  /** Where it listens; 127.0.0.1 if not said. */
  readonly address?: string;
  readonly port: number;
}

const LIMIT_MS = 5_000;

export class Prober {
  /** How long after its turn each probe was sent, ms. */
  readonly lagsMs: number[] = [];
  private readonly probes: readonly Probe[];
  private readonly paceMs: number;
  private fault: Error | undefined;

  private constructor(probes: readonly Probe[], paceMs: number) {
    this.probes = probes;
    this.paceMs = paceMs;
  }

  /** @param paceMs from one probe to the next, whichever Envoys they go through */
  static async open(targets: readonly ProbeTarget[], host: string, paceMs: number): Promise<Prober> {
    let prober: Prober | undefined;
    const onFault = (error: Error) => {
      if (prober) prober.fault ??= error;
    };
    const probes = await Promise.all(targets.map((target) => Probe.open(target, host, onFault)));
    prober = new Prober(probes, paceMs);
    return prober;
  }

  /** Answers of the decision before are gone. */
  begin(): void {
    for (const probe of this.probes) probe.answers = [];
  }

  /** One probe through each Envoy; resolves when all are answered. @throws Error when a probe failed, or it is stopped */
  async sweep(signal: AbortSignal): Promise<void> {
    const left = new Set(this.probes);
    const next = () => {
      const [probe] = left;
      if (probe) left.delete(probe);
      return probe;
    };
    const isDone = () => left.size === 0 && this.probes.every(({ isWaiting }) => !isWaiting);
    await this.send('the answers to a probe through each Envoy', performance.now(), next, isDone, signal);
  }

  /**
   * From `fromMs` on probes the Envoys whose last answer is not of `to`, in turn, until there is none.
   * @throws Error when it takes longer than 5 s, a probe failed, or it is stopped
   */
  async chase(to: string, fromMs: number, signal: AbortSignal): Promise<void> {
    const behind = () => this.probes.filter(({ answers }) => answers.at(-1)?.backend !== to);
    const next = () => behind().reduce(longestIdle, undefined);
    await this.send(`every Envoy to follow to ${to}`, fromMs, next, () => behind().length === 0, signal);
  }

  /** For each Envoy, its answers since `begin`. */
  answers(): readonly (readonly ProbeAnswer[])[] {
    return this.probes.map(({ answers }) => answers);
  }

  close(): void {
    for (const probe of this.probes) probe.close();
  }

  private async send(
    what: string,
    fromMs: number,
    next: () => Probe | undefined,
    isDone: () => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    for (let dueMs = fromMs; !isDone(); ) {
      signal.throwIfAborted();
      if (this.fault) throw this.fault;
      const nowMs = performance.now();
      if (nowMs > fromMs + LIMIT_MS) throw new Error(`waited ${LIMIT_MS} ms in vain for ${what}`);
      const probe = nowMs < dueMs ? undefined : next();
      if (probe) {
        this.lagsMs.push(nowMs - dueMs);
        probe.send(nowMs);
        dueMs += this.paceMs;
      } else {
        // While every Envoy that is to be asked owes an answer, no probe is due.
        if (nowMs >= dueMs) dueMs = nowMs + this.paceMs;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }
}

/** Of those that owe no answer, the one that was asked longest ago. */
function longestIdle(best: Probe | undefined, probe: Probe): Probe | undefined {
  if (probe.isWaiting) return best;
  return best === undefined || probe.askedMs < best.askedMs ? probe : best;
}
