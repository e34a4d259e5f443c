/** What an agent would do, for filters in a pretend host: take samples, hand out tables. */
import * as assert from 'uvu/assert';
import { decodeSamples, type Samples } from '../../agent/wire/samples.ts';
import { encodeView, NO_VIEW, tableMessage, unchangedMessage, type View } from '../../agent/wire/table.ts';
import type { ServiceTable } from '../../controller/wire/messages.ts';
import { type Build, type HttpCall, PretendHost } from './pretend-host.ts';
import { Tally } from './tally.ts';

export interface BackendSketch {
  readonly name: string;
  readonly weight: number;
  readonly trialWeight?: number;
  readonly takesOver?: boolean;
}

/** A service `shop` at cluster `shop`, whose backends are the clusters `shop-NAME`. */
export function service(
  backends: readonly BackendSketch[],
  more: Partial<Pick<ServiceTable, 'draw' | 'trialId' | 'trialShare' | 'service' | 'entryClusters'>> = {},
): ServiceTable {
  const name = more.service ?? 'shop';
  return {
    service: name,
    group: '*',
    draw: 'exact',
    trialId: 0,
    trialShare: 0,
    backends: backends.map((backend) => ({
      name: backend.name,
      cluster: `${name}-${backend.name}`,
      weight: backend.weight,
      trialWeight: backend.trialWeight ?? backend.weight,
      ...(backend.takesOver ? { takesOver: true } : {}),
    })),
    entryClusters: [name],
    ...more,
  };
}

/** Routes as a generator would write them: by header where there is one, else the plain route to the service's cluster. */
export function routeByHeader(headers: ReadonlyMap<string, string>): string {
  const backend = headers.get('x-weir-backend');
  return backend === undefined ? 'shop' : `shop-${backend}`;
}

/** A configured filter, its first table request held. */
export function startFilter(
  build: Build,
  configuration: string | Record<string, unknown> = {},
  prepare: (host: PretendHost) => void = () => {},
) {
  const host = new PretendHost(build);
  host.route = routeByHeader;
  prepare(host);
  host.configure(configuration);
  const agent = new PretendAgent(host);
  agent.held();
  return { host, agent };
}

/** Sends calls that end at once and counts where they went. */
export function spread(host: PretendHost, calls: number, names: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (let i = 0; i < calls; i++) {
    const stream = host.request();
    const name = stream.requestHeaders.get('x-weir-backend') ?? 'none';
    counts.set(name, (counts.get(name) ?? 0) + 1);
    stream.respond(200).end();
  }
  const others = [...counts.keys()].filter((name) => !names.includes(name));
  assert.equal(others, []);
  return names.map((name) => counts.get(name) ?? 0);
}

export class PretendAgent {
  private number = 0;
  private readonly tally = new Tally();
  view: View = NO_VIEW;
  readonly taken: Samples[] = this.tally.taken;
  readonly edge = this.tally.edge.bind(this.tally);
  readonly count = this.tally.count.bind(this.tally);

  private readonly host: PretendHost;
  private readonly ttlMs: number;

  constructor(host: PretendHost, ttlMs = 60_000) {
    this.host = host;
    this.ttlMs = ttlMs;
  }

  /** Answers the held request with a new table; the filter must be asking. */
  deliver(services: readonly ServiceTable[], ttlMs = this.ttlMs): void {
    this.number += 1;
    this.view = encodeView(services, 1, this.number);
    this.answerTable(tableMessage(this.view, ttlMs));
  }

  unchanged(ttlMs = this.ttlMs): void {
    this.answerTable(unchangedMessage(this.view, ttlMs));
  }

  answerTable(body: Uint8Array): void {
    this.host.answer(this.held(), 200, body);
  }

  /** The table request that is open, waited for if the filter pauses before it asks. */
  held(): HttpCall {
    for (let i = 0; i < 100; i++) {
      const call = this.host.openCall('/v1/table');
      if (call) return call;
      this.host.advance(this.host.tickPeriodMs);
    }
    throw new Error('the filter asks for no table');
  }

  /** Takes every message that comes in this time. */
  collect(ms = 2_000): Samples[] {
    const from = this.taken.length;
    for (let passedMs = 0; passedMs < ms; passedMs += this.host.tickPeriodMs) {
      this.host.advance(this.host.tickPeriodMs);
      const call = this.host.openCall('/v1/samples');
      if (!call) continue;
      this.tally.take(decodeSamples(call.body));
      this.host.answer(call, 204);
    }
    return this.taken.slice(from);
  }
}
