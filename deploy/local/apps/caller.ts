/**
 * Makes the calls of one workload through its sidecar, and counts them: which cluster Envoy tried (its sidecar says so in a
 * response header, also when the cluster refused the connection), the status, and how long the caller waited.
 */
import { Pool } from 'undici';
import { CLUSTER_HEADER } from '../envoy/bootstrap.ts';
import type { Call } from '../scenario/service-schema.ts';

/** Header that names a call: the number of the external request, then the place in its call tree. */
export const CALL_ID_HEADER = 'x-call-id';

export interface Answer {
  /** 0: none came. */
  readonly status: number;
  /** Envoy cluster that was tried last; empty when none answered for one. */
  readonly cluster: string;
  readonly latencyMs: number;
  /** Backends that served it, `service/backend`, in the order of the call tree. */
  readonly path: string;
}

export interface CallOutcome {
  readonly failed: boolean;
  readonly path: string;
}

export class Caller {
  private readonly hosts: ReadonlyMap<string, string>;
  private readonly note: (answer: Answer) => void;
  private readonly nowMs: () => number;
  private pool: Pool | undefined;

  /**
   * @param hosts authority (host:port) of each service by name
   * @param note told of each call that ended
   */
  constructor(hosts: ReadonlyMap<string, string>, note: (answer: Answer) => void, nowMs: () => number) {
    this.hosts = hosts;
    this.note = note;
    this.nowMs = nowMs;
  }

  /** From now on calls go to this port on 127.0.0.1, the workload's sidecar. */
  useSidecar(port: number): void {
    // Envoy's timeouts are the ones that count; the client's stand far behind them.
    this.pool = new Pool(`http://127.0.0.1:${port}`, {
      connections: null,
      pipelining: 1,
      headersTimeout: 700_000,
      bodyTimeout: 0,
    });
  }

  /** Stage after stage; stops before the next stage when a call that is not optional failed. */
  async makeCalls(stages: readonly (readonly Call[])[], callId: string, chance: () => number): Promise<CallOutcome> {
    let ordinal = 0;
    let failed = false;
    const path: string[] = [];
    for (const stage of stages) {
      const made: Promise<void>[] = [];
      for (const call of stage) {
        for (let i = 0; i < call.count; i += 1) {
          ordinal += 1;
          // Drawn also for calls not made, so that every place in the tree keeps its draw.
          if (chance() >= call.probability) continue;
          made.push(
            this.call(call.service, `${callId}.${ordinal}`).then((answer) => {
              if (answer.path !== '') path.push(answer.path);
              if (!isSuccess(answer.status) && !call.optional) failed = true;
            }),
          );
        }
      }
      await Promise.all(made);
      if (failed) break;
    }
    return { failed, path: path.join(' ') };
  }

  async call(service: string, callId: string): Promise<Answer> {
    const startedMs = this.nowMs();
    const answer = await this.send(service, callId, startedMs);
    this.note(answer);
    return answer;
  }

  async close(): Promise<void> {
    await this.pool?.destroy();
  }

  private async send(service: string, callId: string, startedMs: number): Promise<Answer> {
    try {
      if (!this.pool) throw new Error('no sidecar yet');
      const response = await this.pool.request({
        method: 'GET',
        path: `/${service}`,
        headers: { host: this.hosts.get(service) ?? service, [CALL_ID_HEADER]: callId },
      });
      await response.body.dump();
      return {
        status: response.statusCode,
        cluster: String(response.headers[CLUSTER_HEADER] ?? ''),
        latencyMs: this.nowMs() - startedMs,
        path: String(response.headers['x-served-by'] ?? ''),
      };
    } catch {
      // The sidecar itself is gone: the call failed, and the counts say so.
      return { status: 0, cluster: '', latencyMs: this.nowMs() - startedMs, path: '' };
    }
  }
}

/** 2xx, 3xx and 4xx: the service did its work. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 500;
}
