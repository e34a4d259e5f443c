/**
 * What the mesh (parent) and its apps (one process per node) and the load generator say over the channel that Node gives a
 * child. The parent speaks first; a child ends when the channel closes.
 */
import type { ArrivalPlan } from '../load/arrivals.ts';
import type { Change, Scenario } from '../scenario/schema.ts';
import type { Answer } from './caller.ts';

export interface EndpointId {
  readonly service: string;
  readonly backend: string;
  /** Number within the backend, from 0. */
  readonly index: number;
}

/** Ports of one endpoint: its own, and the wire that callers of each other zone come over. */
export interface EndpointPorts extends EndpointId {
  readonly port: number;
  readonly portByZone: Readonly<Record<string, number>>;
}

/** Parent to apps. */
export type ToApps =
  | {
      readonly type: 'open';
      readonly scenario: Scenario;
      readonly seed: number;
      readonly node: string;
      readonly endpoints: readonly EndpointId[];
    }
  | { readonly type: 'sidecars'; readonly portByService: Readonly<Record<string, number>> }
  | {
      readonly type: 'change';
      readonly service: string;
      readonly backend: string;
      readonly index?: number | undefined;
      readonly change: Change | 'heal';
    }
  | { readonly type: 'wire'; readonly between: readonly string[]; readonly oneWayMs: number };

/** Apps to parent. */
export type FromApps =
  | { readonly type: 'opened'; readonly ports: readonly EndpointPorts[] }
  | { readonly type: 'calls'; readonly calls: readonly CallRecord[] };

/** A call as its caller saw it: `cluster` is empty when Envoy did not answer at all. */
export interface CallRecord extends Pick<Answer, 'cluster' | 'status' | 'latencyMs'> {
  /** Of the caller. */
  readonly zone: string;
}

/** Parent to load generator. */
export type ToLoad = {
  readonly type: 'go';
  readonly seed: number;
  readonly hosts: Readonly<Record<string, string>>;
  /** Port of each zone's gateway. */
  readonly gatewayPorts: Readonly<Record<string, number>>;
  readonly plans: readonly ArrivalPlan[];
  readonly warmupS: number;
  /** Only so many of its last seconds are sent; undefined: all. */
  readonly playedWarmupS?: number | undefined;
};

/** Load generator to parent. */
export type FromLoad =
  /** `zeroEpochMs`: second 0 of the run on the clock of performance.timeOrigin, which all processes share. */
  | { readonly type: 'started'; readonly zeroEpochMs: number }
  | { readonly type: 'requests'; readonly requests: readonly RequestRecord[] }
  | { readonly type: 'done' };

/** One external request. */
export interface RequestRecord {
  /** Number in the order of intended arrival: the same request in every run with the same seed. */
  readonly id: number;
  /** Intended arrival in ms after second 0; negative in the warm-up. */
  readonly atMs: number;
  readonly zone: string;
  /** From the intended arrival to the end of the answer: waiting in the generator counts. */
  readonly latencyMs: number;
  /** From the intended arrival to the sending: how late the generator itself was. */
  readonly lagMs: number;
  /** 0: no answer. */
  readonly status: number;
  readonly cluster: string;
  readonly path: string;
}

/** Sends a message to the parent; nothing when it is gone, which ends this process anyway. */
export function tellParent(message: FromApps | FromLoad): void {
  if (process.connected) process.send?.(message);
}
