/** The callbacks that a host may make, each with ids, sizes and an environment as they should be or as they should not. */
import type { HttpCall, PretendHost } from '../../support/pretend-host.ts';
import { Stream } from '../../support/pretend-stream.ts';
import type { Chance } from '../chance.ts';
import type { Material } from './material.ts';
import { changeSurroundings, FIRST_NS, passTime, setClock } from './surroundings.ts';

const CLIENT_VALUE = 'chosen by the client';
const MOST_OPEN = 400;

export class Steps {
  callbacks = 0;
  /** Whether every call of the host succeeds: then what the filter promises of headers can be checked. */
  isHonest = true;
  private readonly open: Stream[] = [];
  private readonly roots: number[] = [];
  private readonly host: PretendHost;
  private readonly chance: Chance;
  private readonly material: Material;
  private readonly maxClusters: number;
  private readonly steps: readonly [() => void, ...(() => void)[]];
  private nextId = 1_000;

  constructor(host: PretendHost, chance: Chance, material: Material, maxClusters: number) {
    this.host = host;
    this.chance = chance;
    this.material = material;
    this.maxClusters = maxClusters;
    host.route = () => material.cluster();
    const often = (step: () => void, times: number) => new Array<() => void>(times).fill(step);
    this.steps = [
      () => this.request(),
      ...often(() => this.request(), 9),
      ...often(() => this.respond(), 8),
      ...often(() => this.trailers(), 2),
      ...often(() => this.end(), 6),
      ...often(() => this.log(), 3),
      ...often(() => this.forget(), 3),
      ...often(() => this.tick(chance.of([0, 1, 100, 100, 100, 250, 5_000])), 6),
      ...often(() => this.answer(), 5),
      () => this.strangeAnswer(),
      ...often(() => setClock(host, chance), 1),
      () => changeSurroundings(host, chance, material),
      () => {
        if (chance.is(0.1)) this.configure();
      },
      () => {
        if (chance.is(0.02)) this.crowd();
      },
    ];
  }

  step(): void {
    this.chance.of(this.steps)();
  }

  configure(): void {
    this.callbacks += 3;
    this.host.configure(this.material.configuration(this.maxClusters));
    this.roots.push(this.host.root);
    // The same context again, and a length that is not that of what lies there.
    if (!this.chance.is(0.1)) return;
    const root = this.someRoot();
    this.host.enter(undefined, (vm) => vm.proxy_on_configure(root, this.chance.u32()));
  }

  tick(ms: number, root = this.chance.is(0.95) ? this.host.root : this.someRoot()): void {
    this.callbacks += 1;
    passTime(this.host, ms);
    this.host.enter(undefined, (vm) => vm.proxy_on_tick(root));
  }

  /** Every context that may be open goes, in no order, some of them twice. */
  deleteAll(): void {
    while (this.open.length > 0) this.drop(this.chance.below(this.open.length)).delete();
  }

  /** Asks for the most of everything that has a bound: tables, the value that carries one, messages, calls, clusters. */
  flood(): void {
    this.honestEnvironment();
    for (let round = 0; round < 4; round++) {
      this.crowd();
      for (let cluster = 0; cluster < this.maxClusters; cluster++) {
        const stream = new Stream(this.host, this.newId(), {});
        stream.cluster = `other-${cluster}`;
        this.host.enter(stream, (vm) => vm.proxy_on_request_headers(stream.id, 1, 1));
        stream.respond(200).end();
        // Records are kept ready on ticks.
        if (cluster % 32 === 0) this.tick(100, this.host.root);
      }
      for (let tick = 0; tick < 100; tick++) this.tick(100, this.host.root);
      for (const call of [...this.host.open.values()]) {
        if (call.path === '/v1/samples') this.host.answer(call, 204);
        else this.host.answer(call, 200, this.material.largestTable());
      }
      this.deleteAll();
    }
  }

  /** An agent that is there, a clock that goes on, calls of before that are lost. */
  honestEnvironment(): void {
    this.host.agentIs = 'there';
    this.host.hasWasi = true;
    this.host.open.clear();
    this.host.nowNs = FIRST_NS;
    this.host.configure({ max_clusters: this.maxClusters, sample_interval_ms: 200, idle_interval_ms: 1_000 });
    this.roots.push(this.host.root);
  }

  private request(): void {
    this.callbacks += 1;
    const { chance, host } = this;
    if (this.open.length >= MOST_OPEN) this.deleteAll();
    const hasClientValue = chance.is(0.3);
    const headers: Record<string, string> = hasClientValue ? { 'x-weir-backend': CLIENT_VALUE } : {};
    const stream = new Stream(host, this.newId(), headers);
    stream.cluster = this.material.cluster();
    this.open.push(stream);
    host.enter(stream, (vm) => {
      if (vm.proxy_on_request_headers(stream.id, 1, 1) !== 0) throw new Error('a request was held up');
    });
    if (hasClientValue && this.isHonest && stream.requestHeaders.get('x-weir-backend') === CLIENT_VALUE) {
      throw new Error('the header of a client was left in a request');
    }
  }

  private respond(): void {
    this.callbacks += 1;
    const stream = this.some();
    const { chance, material } = this;
    stream.responseHeaders.set(':status', chance.is(0.7) ? String(chance.of([200, 204, 404, 503])) : material.text());
    if (chance.is(0.1)) stream.responseHeaders.set('grpc-status', material.text());
    this.host.enter(stream, (vm) => {
      const action = vm.proxy_on_response_headers(stream.id, 1, chance.below(2));
      if (action !== 0) throw new Error('an answer was held up');
    });
  }

  private trailers(): void {
    this.callbacks += 1;
    this.some().trailers(this.chance.is(0.8) ? { 'grpc-status': String(this.chance.below(18)) } : {});
  }

  private log(): void {
    this.callbacks += 1;
    const stream = this.some();
    stream.flags = this.chance.is(0.3) ? 1n << BigInt(this.chance.below(64)) : 0n;
    stream.attempts = BigInt(this.chance.is(0.9) ? 1 : this.chance.u32());
    if (this.chance.is(0.1)) stream.cluster = this.material.cluster();
    stream.log();
  }

  private forget(): void {
    this.callbacks += 1;
    if (this.open.length > 0) this.drop(this.chance.below(this.open.length)).delete();
    else this.some().delete();
  }

  private end(): void {
    this.callbacks += 3;
    if (this.open.length === 0) return;
    const at = this.chance.below(this.open.length);
    this.log();
    this.drop(at).end();
  }

  /** The agent answers, or the call is lost. */
  private answer(): void {
    this.callbacks += 1;
    const { chance, host, material } = this;
    for (const call of host.open.values()) {
      if (chance.is(0.3)) continue;
      if (chance.is(0.02)) host.open.delete(call.token);
      else if (call.path === '/v1/samples')
        host.answer(call, chance.of([204, 204, 204, 0, 400, 503]), material.table());
      else {
        const body = material.table();
        const said = chance.is(0.05) ? chance.u32() : body.length;
        host.answer(call, chance.of([200, 200, 200, 200, 0, 204, 503, Number.NaN, -1]), body, said);
      }
      return;
    }
  }

  /** An answer that nobody asked for, or for a call of another context. */
  private strangeAnswer(): void {
    this.callbacks += 1;
    const { chance, host } = this;
    const token = chance.is(0.5) ? chance.u32() : chance.below(40);
    const call: HttpCall = host.open.get(token) ?? { ...NO_CALL, token, root: this.someRoot() };
    host.open.set(token, call);
    host.answer(call, chance.of([200, 204, 503]), this.material.table(), chance.u32());
  }

  /** More requests at once than there was room for. */
  private crowd(): void {
    for (let i = 0; i < MOST_OPEN - 1; i++) this.request();
  }

  private newId(): number {
    const { chance } = this;
    if (chance.is(0.9)) return this.nextId++;
    return chance.is(0.5) ? (this.open[chance.below(this.open.length)]?.id ?? 0) : chance.u32();
  }

  /** Mostly one that is open; else one that never was, or the context of a configuration. */
  private some(): Stream {
    const { chance, open } = this;
    const stream = open[chance.below(open.length)];
    if (stream && chance.is(0.95)) return stream;
    return new Stream(this.host, chance.is(0.5) ? this.someRoot() : chance.u32(), {});
  }

  private someRoot(): number {
    return this.roots[this.chance.below(this.roots.length)] ?? this.chance.below(4);
  }

  private drop(at: number): Stream {
    const last = this.open.pop();
    const stream = this.open[at];
    if (!last) throw new Error('there is no open request to drop');
    if (!stream) return last;
    this.open[at] = last;
    return stream;
  }
}

const NO_CALL = {
  cluster: '',
  headers: new Map<string, string>(),
  path: '',
  body: new Uint8Array(0),
  timeoutMs: 0,
  atMs: 0,
};
