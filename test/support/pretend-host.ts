/**
 * A pretend Envoy around the wasm that ships. Two kinds of verbs: make the host do something (`configure`, `tick`, `request`,
 * `answer`), and look at what the plugin changed (`headers`, `calls`, `lines`). Time stands until the test moves it.
 *
 * Faithful where the filter could notice: the route is chosen once and again only after a request header
 * was changed, which clears Envoy's route cache for modules of ABI 0.2.1; an answer that is
 * there at once still comes after the callback that asked has returned; a trap is remembered and rethrown. Longer than most
 * files, since it is one machine whose parts all look at the request that is being served.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { instantiateSync } from '@assemblyscript/loader';
import { packageRoot } from '../../deploy/local/root.ts';
import { abiImports, type Callbacks, type Pairs, wasiImports } from './pretend-host-abi.ts';
import { Stream } from './pretend-stream.ts';

export type { Stream } from './pretend-stream.ts';

export type Build = 'debug' | 'release';
export const builds: readonly Build[] = ['debug', 'release'];

const files: Record<Build, string> = { debug: 'weir.debug.wasm', release: 'weir.wasm' };

const REQUEST_HEADERS = 0;
const RESPONSE_HEADERS = 2;
const RESPONSE_TRAILERS = 3;
const CALL_BODY = 4;
const CALL_HEADERS = 6;
const CONFIGURATION = 7;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];
const NS_PER_MS = 1_000_000n;
const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;

export interface HttpCall {
  readonly token: number;
  readonly root: number;
  readonly cluster: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly path: string;
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  readonly atMs: number;
}

/** Where a fuzzer gets in between. */
export interface Interference {
  /** The bytes of a module to run in place of the build's own. */
  readonly module?: Uint8Array;
  /** Stands between the module and the host: may fail a call, before or after it was served. */
  readonly functions?: <Functions extends Record<string, HostFunction>>(functions: Functions) => Functions;
}

/** Any function that the module imports. */
export type HostFunction = (...args: never[]) => unknown;

interface GrowingMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export class PretendHost {
  /** The monotonic clock. */
  nowNs: bigint;
  /** By how much the wall's clock differs from it. */
  wallAheadNs = 1_767_225_600_000_000_000n;
  /** Whether the module may use WASI's clock and chance, as it may in Envoy unless its capabilities are restricted. */
  hasWasi = true;
  /** What it draws next. */
  nextRandom = 0x5eed_0000_0000_0001n;
  /** Node metadata and the like, by path with dots for zeros. */
  readonly properties = new Map<string, string>();
  /** The cluster that a request with these headers is routed to. */
  route: (headers: ReadonlyMap<string, string>) => string | undefined = () => 'default';
  /** Every HTTP call tried, and those that were started and are not answered yet. */
  readonly calls: HttpCall[] = [];
  readonly open = new Map<number, HttpCall>();
  /** What becomes of a call: it waits for `answer`, fails at once, or is answered 503 by Envoy itself in the same instant. */
  agentIs: 'there' | 'unknown' | 'down' = 'there';
  readonly lines: string[] = [];
  tickPeriodMs = 0;
  trap: unknown;

  private readonly vm: Callbacks;
  private readonly memory: GrowingMemory;
  private view = Buffer.alloc(0);
  private current: Stream | undefined;
  private configuration = Buffer.alloc(0);
  private callAnswer: { headers: ReadonlyMap<string, string>; body: Uint8Array } | undefined;
  private readonly afterwards: (() => void)[] = [];
  private depth = 0;
  private rootContext = 0;
  private nextContext = 1;
  private nextToken = 1;

  constructor(build: Build, startNs = 5_000_000_000n, { module, functions = (own) => own }: Interference = {}) {
    this.nowNs = startNs;
    const bytes = module ?? shippedModule(build);
    const machine = { memory: () => this.bytes(), allocate: (size: number) => this.vm.proxy_on_memory_allocate(size) };
    const { exports } = instantiateSync<Callbacks>(bytes, {
      env: functions(abiImports(this.hostCalls(), machine)),
      wasi_snapshot_preview1: functions(wasiImports(this.hostCalls(), machine)),
    });
    this.vm = exports;
    this.memory = exports.memory as unknown as GrowingMemory;
    (exports._initialize as () => void)();
  }

  // Make the host do something.

  /** A root context with this configuration: the first, or a newer one beside it. */
  configure(configuration: string | Record<string, unknown> = {}): this {
    const text = typeof configuration === 'string' ? configuration : JSON.stringify(configuration);
    this.configuration = Buffer.from(text);
    this.rootContext = this.nextContext++;
    const id = this.rootContext;
    this.enter(undefined, (vm) => vm.proxy_on_context_create(id, 0));
    this.enter(undefined, (vm) => vm.proxy_on_vm_start(id, 0));
    this.enter(undefined, (vm) => vm.proxy_on_configure(id, this.configuration.length));
    return this;
  }

  /** Time passes and nothing else. */
  advanceUs(us: number): void {
    this.nowNs += BigInt(us) * 1_000n;
  }

  /** Time passes tick by tick. */
  advance(ms: number, rootContext = this.rootContext): void {
    const ticks = Math.floor(ms / this.tickPeriodMs);
    for (let i = 0; i < ticks; i++) {
      this.nowNs += BigInt(this.tickPeriodMs) * NS_PER_MS;
      this.enter(undefined, (vm) => vm.proxy_on_tick(rootContext));
    }
  }

  /** Sets the wall's clock, which leaves the monotonic one as it is. */
  setWall(byMs: number): void {
    this.wallAheadNs += BigInt(byMs) * NS_PER_MS;
  }

  /** From now on memory cannot grow: all that a module may address is taken, which costs no real memory. */
  exhaustMemory(): void {
    this.memory.grow(MAX_PAGES - this.memory.buffer.byteLength / PAGE_BYTES);
  }

  request(headers: Readonly<Record<string, string>> = {}): Stream {
    const stream = new Stream(this, this.nextContext++, headers);
    stream.cluster = this.route(stream.requestHeaders);
    this.enter(stream, (vm) => vm.proxy_on_context_create(stream.id, this.rootContext));
    this.enter(stream, (vm) => vm.proxy_on_request_headers(stream.id, stream.requestHeaders.size, 1));
    return stream;
  }

  /**
   * The agent, or Envoy in its place, answers a call; status 0: the call failed and there are no headers.
   * @param saidBytes what the module is told of the body's length
   */
  answer(call: HttpCall, status: number, body: Uint8Array = new Uint8Array(0), saidBytes = body.length): void {
    if (!this.open.delete(call.token)) throw new Error(`call ${call.token} is not open`);
    this.callAnswer = { headers: new Map(status === 0 ? [] : [[':status', String(status)]]), body };
    const { headers } = this.callAnswer;
    this.enter(undefined, (vm) => vm.proxy_on_http_call_response(call.root, call.token, headers.size, saidBytes, 0));
    this.callAnswer = undefined;
  }

  deleteRoot(context: number): void {
    this.enter(undefined, (vm) => vm.proxy_on_delete(context));
  }

  // What the plugin did.

  get root(): number {
    return this.rootContext;
  }

  get elapsedMs(): number {
    return Number(this.nowNs / NS_PER_MS);
  }

  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  get reservedBytes(): number {
    return this.vm.weir_reserved_bytes();
  }

  /** The open call whose path begins so, if there is one. */
  openCall(path: string): HttpCall | undefined {
    return [...this.open.values()].find((call) => call.path.startsWith(path));
  }

  warnings(): string[] {
    return this.lines.filter((line) => line.startsWith('warn '));
  }

  /** Runs one callback, for a stream or none; then what Envoy puts off until the VM has returned. */
  enter(stream: Stream | undefined, callback: (vm: Callbacks) => unknown): void {
    const before = this.current;
    this.current = stream;
    this.depth += 1;
    try {
      callback(this.vm);
    } catch (error) {
      this.trap = error;
      throw error;
    } finally {
      this.depth -= 1;
      this.current = before;
    }
    while (this.depth === 0) {
      const next = this.afterwards.shift();
      if (!next) break;
      next();
    }
  }

  private bytes(): Buffer {
    const { buffer } = this.memory;
    // Node 20 writes no texts into Buffers of 4 GiB; what the module uses lies far below.
    if (this.view.buffer !== buffer) this.view = Buffer.from(buffer, 0, Math.min(buffer.byteLength, 2 ** 30));
    return this.view;
  }

  private map(kind: number): ReadonlyMap<string, string> | undefined {
    if (kind === CALL_HEADERS) return this.callAnswer?.headers;
    if (kind === REQUEST_HEADERS) return this.current?.requestHeaders;
    if (kind === RESPONSE_HEADERS) return this.current?.responseHeaders;
    if (kind === RESPONSE_TRAILERS) return this.current?.responseTrailers;
    return undefined;
  }

  private property(path: string): string | Uint8Array | undefined {
    const stream = this.current;
    if (path === 'xds\0cluster_name') return stream?.cluster;
    if (path === 'response\0flags' && stream) return number(stream.flags);
    if (path === 'upstream\0request_attempt_count' && stream) return number(stream.attempts);
    return this.properties.get(path.replaceAll('\0', '.'));
  }

  private changeHeaders(map: number, change: (headers: Map<string, string>) => void): boolean {
    const stream = this.current;
    if (map !== REQUEST_HEADERS || !stream) return false;
    change(stream.requestHeaders);
    stream.routeClears += 1;
    stream.cluster = this.route(stream.requestHeaders);
    return true;
  }

  private startCall(cluster: string, pairs: Pairs, body: Uint8Array, timeoutMs: number): number | undefined {
    const headers = new Map(pairs);
    const token = this.nextToken++;
    const path = headers.get(':path') ?? '';
    const call = {
      token,
      root: this.rootContext,
      cluster,
      headers,
      path,
      body,
      timeoutMs,
      atMs: this.elapsedMs,
    };
    this.calls.push(call);
    if (this.agentIs === 'unknown') return undefined;
    this.open.set(token, call);
    if (this.agentIs === 'down') this.afterwards.push(() => this.answer(call, 503, Buffer.from('no healthy upstream')));
    return token;
  }

  private hostCalls() {
    return {
      wallNs: () => this.nowNs + this.wallAheadNs,
      monotonicNs: () => (this.hasWasi ? this.nowNs : undefined),
      random: () => (this.hasWasi ? this.nextRandom++ : undefined),
      property: (path: string) => this.property(path),
      header: (map: number, name: string) => this.map(map)?.get(name),
      replaceHeader: (map: number, name: string, value: string) =>
        this.changeHeaders(map, (headers) => headers.set(name, value)),
      removeHeader: (map: number, name: string) => this.changeHeaders(map, (headers) => headers.delete(name)),
      buffer: (kind: number) => {
        if (kind === CONFIGURATION) return this.configuration;
        return kind === CALL_BODY ? this.callAnswer?.body : undefined;
      },
      httpCall: (cluster: string, headers: Pairs, body: Uint8Array, timeoutMs: number) =>
        this.startCall(cluster, headers, body, timeoutMs),
      setTickPeriod: (ms: number) => {
        this.tickPeriodMs = ms;
      },
      log: (level: number, text: string) => {
        this.lines.push(`${LEVELS[level] ?? level} ${text}`);
      },
    };
  }
}

/** The bytes of a build. */
export function shippedModule(build: Build): Uint8Array {
  return readFileSync(join(packageRoot, 'filter', 'build', files[build]));
}

/** How a whole number property comes over: 8 bytes. */
function number(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
