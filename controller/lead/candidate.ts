/**
 * A controller of several, from its first second to its last: stands by behind its own port, leads when the Lease is its own, and gives
 * it up when it is told to stop. What leading means is not its business: it says when.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { CoordinationV1Api, CoreV1Api } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import type { Config, LeaseUse } from '../config.ts';
import { findApiServer, sayFailure } from '../intake/api-server.ts';
import type { Log } from '../log.ts';
import { Elector } from './elector.ts';
import { LeaderLabel } from './leader-label.ts';
import { Lease } from './lease.ts';
import { Standby } from './standby.ts';

export interface CandidateOptions {
  readonly config: Config;
  readonly use: LeaseUse;
  readonly clock: Clock;
  /** 0 to 1 */
  readonly random: () => number;
  readonly log: Log;
  /** The Lease is another's, or soon will be: the process must end. */
  readonly onLost: () => void;
}

export class Candidate {
  private readonly options: CandidateOptions;
  private readonly standby: Standby;
  private readonly elector: Elector;
  private readonly label: LeaderLabel;
  private isMarkedOff = false;
  private won: (before: string) => void = () => {};

  /** @throws ConfigError where no API server is configured */
  constructor(options: CandidateOptions) {
    const { config, use, clock, random, log, onLost } = options;
    const { namespace, name, pod } = use;
    const kubeConfig = findApiServer();
    this.options = options;
    this.elector = new Elector({
      ...{ clock, random, log, onLost },
      lease: new Lease(kubeConfig.makeApiClient(CoordinationV1Api), { namespace, name }),
      // No name of a pod has an underscore.
      identity: `${pod ?? hostname()}_${randomUUID()}`,
      what: `Lease ${namespace}/${name}`,
      explain: (error) => sayFailure(error, 'Leases'),
      onLeading: (before) => this.won(before),
    });
    this.label = new LeaderLabel({
      ...{ namespace, clock, log },
      pods: kubeConfig.makeApiClient(CoreV1Api),
      explain: (error) => sayFailure(error, 'Pods'),
    });
    this.standby = new Standby({
      ...{ config, log },
      leader: () => this.elector.leader,
      whyNotReady: () => (this.isMarkedOff ? undefined : 'the label of an earlier life may still be on this pod'),
    });
  }

  /** Stands by; resolves when it leads, however long that takes. @throws what the operating system says of the port */
  async lead(): Promise<void> {
    const { pod } = this.options.use;
    const leading = new Promise<string>((resolve) => {
      this.won = resolve;
    });
    await this.standby.start();
    // A container that was started again has its pod's labels: it must not be found before it leads.
    if (pod !== undefined) await this.label.set(pod, false);
    this.isMarkedOff = true;
    this.elector.start();
    const before = await leading;
    // The node of the one before may be gone, and its pod be taken for well for a while.
    if (pod !== undefined && before !== '') void this.label.set(podOf(before), false);
  }

  /** Frees the port for what serves from now on. */
  async makeRoom(): Promise<void> {
    await this.standby.close();
  }

  /** It serves: agents and people are sent here. */
  announce(): void {
    const { pod } = this.options.use;
    if (pod !== undefined) void this.label.set(pod, true);
  }

  /** Stops standing by or leading; the next one leads at once. */
  async close(): Promise<void> {
    const { pod } = this.options.use;
    this.label.close();
    // It goes by itself with the pod, but a pod that was evicted stays to be seen.
    if (pod !== undefined) await this.label.set(pod, false);
    await this.elector.close();
    await this.standby.close();
  }
}

function podOf(identity: string): string {
  return identity.slice(0, identity.lastIndexOf('_'));
}
