/** One request as the pretend host sees it: the test answers, ends and abandons it, in Envoy's order. */
import type { PretendHost } from './pretend-host.ts';

export class Stream {
  readonly requestHeaders: Map<string, string>;
  responseHeaders = new Map<string, string>();
  responseTrailers = new Map<string, string>();
  cluster: string | undefined;
  routeClears = 0;
  /** What `response.flags` reads. */
  flags = 0n;
  attempts = 1n;

  readonly id: number;
  private readonly host: PretendHost;

  constructor(host: PretendHost, id: number, headers: Readonly<Record<string, string>>) {
    this.host = host;
    this.id = id;
    this.requestHeaders = new Map(Object.entries(headers));
  }

  respond(status: number, headers: Readonly<Record<string, string>> = {}, isEnd = false): this {
    this.responseHeaders = new Map([[':status', String(status)], ...Object.entries(headers)]);
    this.host.enter(this, (vm) => vm.proxy_on_response_headers(this.id, this.responseHeaders.size, isEnd ? 1 : 0));
    return this;
  }

  trailers(headers: Readonly<Record<string, string>>): this {
    this.responseTrailers = new Map(Object.entries(headers));
    this.host.enter(this, (vm) => vm.proxy_on_response_trailers(this.id, this.responseTrailers.size));
    return this;
  }

  /** The end: log and delete, in Envoy's order. */
  end(facts: { flags?: bigint; attempts?: number } = {}): void {
    this.flags = facts.flags ?? this.flags;
    this.attempts = BigInt(facts.attempts ?? this.attempts);
    this.log();
    this.delete();
  }

  log(): void {
    this.host.enter(this, (vm) => vm.proxy_on_log(this.id));
  }

  delete(): void {
    this.host.enter(this, (vm) => vm.proxy_on_delete(this.id));
  }
}
