/**
 * What Weir's filter does to a request, written as the SDK's own documentation shows: its RootContext, Context and
 * stream_context, strings, Maps and typed arrays. It looks for a client's header, draws by weight and takes the least busy,
 * replaces the header, which clears the route cache, keeps outcome, retries and a latency histogram per cluster, and sends them
 * each second in the same message to the same kind of agent.
 *
 * Left out, in its favour: the table (its three backends are constants), trials, a message that is sent again, bounds on
 * memory. Callbacks whose defaults in the SDK write a log line are replaced by ones that do not.
 */
export * from '@gcoredev/proxy-wasm-sdk-as/assembly/proxy';

import {
  BaseContext,
  Context,
  FilterHeadersStatusValues,
  FilterTrailersStatusValues,
  get_current_time_nanoseconds,
  get_property,
  makeHeaderPair,
  RootContext,
  registerRootContext,
  set_tick_period_milliseconds,
  stream_context,
} from '@gcoredev/proxy-wasm-sdk-as/assembly';
import * as layout from '../../../agent/wire/layout';

const REPORT_EVERY_MS: u32 = 1000;
const TIMEOUT_MS: u32 = 2000;
const HEADER = 'x-weir-backend';
/** As filter/stream.ts names them, bit by bit. */
const CANCELLED_FLAGS: u64 = (1 << 14) | (1 << 28);
const RESET_FLAGS: u64 = 0x05c900fe;

class Backend {
  constructor(
    public name: string,
    public weight: f64,
  ) {}
}

const backends: Backend[] = [new Backend('a', 5000), new Backend('b', 3000), new Backend('c', 2000)];

class Sample {
  inFlight: u32 = 0;
  retries: u32 = 0;
  latencySumUs: u64 = 0;
  outcomes: StaticArray<u32> = new StaticArray<u32>(layout.OUTCOME_COUNT);
  buckets: StaticArray<u32> = new StaticArray<u32>(layout.HISTOGRAM_BUCKETS);
}

const samples = new Map<string, Sample>();
let steeredCalls: u32 = 0;
let endedCalls: u32 = 0;
let strippedHeaders: u32 = 0;
let sequence: u32 = 0;
let vmId: u64 = 0;

class Root extends RootContext {
  onStart(_bytes: usize): bool {
    return true;
  }

  onConfigure(_bytes: u32): bool {
    vmId = get_current_time_nanoseconds();
    set_tick_period_milliseconds(REPORT_EVERY_MS);
    return true;
  }

  onTick(): void {
    if (steeredCalls == 0 && endedCalls == 0) return;
    const headers = [
      makeHeaderPair(':method', 'POST'),
      makeHeaderPair(':path', '/v1/samples'),
      makeHeaderPair(':authority', 'weir-agent'),
      makeHeaderPair('content-type', 'application/octet-stream'),
    ];
    this.httpCall('weir-agent', headers, message(), [], TIMEOUT_MS, this, onAnswer);
  }

  createContext(contextId: u32): Context {
    return new Call(contextId, this);
  }
}

class Call extends Context {
  private cluster: string = '';
  private status: i32 = 0;
  private grpcStatus: i32 = -1;
  private startNs: u64 = 0;
  private answeredNs: u64 = 0;

  onRequestHeaders(_headers: u32, _isEnd: bool): FilterHeadersStatusValues {
    // The service that is steered, by the cluster of the plain route: outbound|80|a|shop.
    const routed = text('xds\0cluster_name').split('|');
    if (routed.length != 4) return FilterHeadersStatusValues.Continue;
    const headers = stream_context.headers.request;
    if (headers.get(HEADER).length > 0) strippedHeaders++;
    const backend = pick(routed);
    headers.replace(HEADER, backend);
    steeredCalls++;
    this.cluster = clusterOf(routed, backend);
    sampleOf(this.cluster).inFlight++;
    this.startNs = get_current_time_nanoseconds();
    return FilterHeadersStatusValues.Continue;
  }

  onResponseHeaders(_headers: u32, isEnd: bool): FilterHeadersStatusValues {
    this.answeredNs = get_current_time_nanoseconds();
    const headers = stream_context.headers.response;
    this.status = i32.parse(headers.get(':status'));
    if (isEnd) this.grpcStatus = grpcStatusOf(headers.get('grpc-status'));
    return FilterHeadersStatusValues.Continue;
  }

  onResponseTrailers(_trailers: u32): FilterTrailersStatusValues {
    this.grpcStatus = grpcStatusOf(stream_context.trailers.response.get('grpc-status'));
    return FilterTrailersStatusValues.Continue;
  }

  onLog(): void {
    if (this.startNs == 0) return;
    sampleOf(this.cluster).inFlight--;
    const sample = sampleOf(text('xds\0cluster_name'));
    const attempts = number('upstream\0request_attempt_count');
    const outcome = outcomeOf(this.status, this.grpcStatus, number('response\0flags'));
    const endNs = this.answeredNs == 0 ? get_current_time_nanoseconds() : this.answeredNs;
    const latencyUs = endNs > this.startNs ? (endNs - this.startNs) / 1000 : 0;
    endedCalls++;
    sample.outcomes[outcome]++;
    if (attempts > 1) sample.retries += <u32>(attempts - 1);
    if (outcome == layout.OUTCOME_5XX || outcome == layout.OUTCOME_RESET) return;
    sample.latencySumUs += latencyUs;
    sample.buckets[bucketOf(latencyUs)]++;
  }

  onDone(): bool {
    return true;
  }

  onDelete(): void {}
}

function onAnswer(_context: BaseContext, _headers: u32, _bodyBytes: usize, _trailers: u32): void {}

/** Drawn by weight, unless others have fewer calls in flight per weight: then the least busy of them, of several by weight. */
function pick(routed: string[]): string {
  const drawn = draw();
  const inFlightOfDrawn = sampleOf(clusterOf(routed, drawn.name)).inFlight;
  let best = drawn;
  let inFlightOfBest = inFlightOfDrawn;
  let tiedWeight: f64 = 0;
  for (let i = 0; i < backends.length; i++) {
    const other = backends[i];
    if (other == drawn) continue;
    const inFlight = sampleOf(clusterOf(routed, other.name)).inFlight;
    const isLighterNow = inFlight * drawn.weight < inFlightOfDrawn * other.weight;
    const isLighterThen = (inFlight + 1) * drawn.weight < (inFlightOfDrawn + 1) * other.weight;
    if (!isLighterNow || !isLighterThen) continue;
    if (best != drawn && inFlight * best.weight > inFlightOfBest * other.weight) continue;
    const isTie = best != drawn && inFlight * best.weight == inFlightOfBest * other.weight;
    tiedWeight = isTie ? tiedWeight + other.weight : other.weight;
    if (Math.random() * tiedWeight > other.weight) continue;
    best = other;
    inFlightOfBest = inFlight;
  }
  return best.name;
}

function draw(): Backend {
  let rest = Math.random() * <f64>layout.WEIGHT_TOTAL;
  const last = backends.length - 1;
  for (let i = 0; i < last; i++) {
    if (rest < backends[i].weight) return backends[i];
    rest -= backends[i].weight;
  }
  return backends[last];
}

function clusterOf(routed: string[], backend: string): string {
  return routed[0] + '|' + routed[1] + '|' + backend + '|' + routed[3];
}

function sampleOf(cluster: string): Sample {
  if (!samples.has(cluster)) samples.set(cluster, new Sample());
  return samples.get(cluster);
}

function text(path: string): string {
  return String.UTF8.decode(get_property(path));
}

function number(path: string): u64 {
  const bytes = get_property(path);
  return bytes.byteLength == 8 ? load<u64>(changetype<usize>(bytes)) : 0;
}

function grpcStatusOf(value: string): i32 {
  return value.length == 0 ? -1 : i32.parse(value);
}

function outcomeOf(status: i32, grpcStatus: i32, flags: u64): u32 {
  if ((flags & CANCELLED_FLAGS) != 0) return layout.OUTCOME_CANCELLED;
  if ((flags & RESET_FLAGS) != 0 || status == 0) return layout.OUTCOME_RESET;
  if (grpcStatus > 0) return layout.OUTCOME_5XX;
  if (status < 300) return layout.OUTCOME_2XX;
  if (status < 400) return layout.OUTCOME_3XX;
  return status < 500 ? layout.OUTCOME_4XX : layout.OUTCOME_5XX;
}

function bucketOf(latencyUs: u64): u32 {
  if (latencyUs < 64) return 0;
  const octave = <u32>(63 - clz(latencyUs));
  const sixteenth = <u32>(latencyUs >> (octave - 4)) & 15;
  return min<u32>(1 + (octave - layout.HISTOGRAM_MIN_OCTAVE) * 16 + sixteenth, layout.HISTOGRAM_BUCKETS - 1);
}

/** A samples message as agent/wire/layout.ts draws it; what it tells of is forgotten. */
function message(): ArrayBuffer {
  const names = samples.keys();
  let bytes: u32 = layout.SAMPLES_HEADER_BYTES;
  for (let i = 0; i < names.length; i++) bytes += edgeBytes(names[i], samples.get(names[i]));
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(layout.SAMPLES_MAGIC_AT, layout.SAMPLES_MAGIC, true);
  view.setUint16(layout.SAMPLES_VERSION_AT, <u16>layout.PROTOCOL_VERSION, true);
  view.setUint16(layout.SAMPLES_EDGE_COUNT_AT, <u16>names.length, true);
  view.setUint64(layout.SAMPLES_VM_ID_AT, vmId, true);
  view.setUint32(layout.SAMPLES_SEQUENCE_AT, ++sequence, true);
  view.setUint32(layout.SAMPLES_INTERVAL_MS_AT, REPORT_EVERY_MS, true);
  view.setUint32(layout.SAMPLES_STRIPPED_HEADERS_AT, strippedHeaders, true);
  view.setUint32(layout.SAMPLES_STEERED_CALLS_AT, steeredCalls, true);
  let cursor: u32 = layout.SAMPLES_HEADER_BYTES;
  for (let i = 0; i < names.length; i++) cursor = writeEdge(view, cursor, names[i], samples.get(names[i]));
  strippedHeaders = 0;
  steeredCalls = 0;
  endedCalls = 0;
  return view.buffer;
}

function edgeBytes(name: string, sample: Sample): u32 {
  return layout.EDGE_BYTES + <u32>String.UTF8.byteLength(name) + filledBuckets(sample) * layout.BUCKET_BYTES;
}

function filledBuckets(sample: Sample): u32 {
  let filled: u32 = 0;
  for (let i = 0; i < sample.buckets.length; i++) if (sample.buckets[i] > 0) filled++;
  return filled;
}

/** @returns where the next edge goes */
function writeEdge(view: DataView, at: u32, name: string, sample: Sample): u32 {
  const nameBytes = Uint8Array.wrap(String.UTF8.encode(name));
  view.setUint16(at + layout.EDGE_NAME_BYTES_AT, <u16>nameBytes.length, true);
  view.setUint16(at + layout.EDGE_BUCKET_COUNT_AT, <u16>filledBuckets(sample), true);
  view.setUint32(at + layout.EDGE_IN_FLIGHT_AT, sample.inFlight, true);
  for (let i = 0; i < sample.outcomes.length; i++) {
    view.setUint32(at + layout.EDGE_OUTCOMES_AT + i * 4, sample.outcomes[i], true);
  }
  view.setUint32(at + layout.EDGE_RETRIES_AT, sample.retries, true);
  view.setUint64(at + layout.EDGE_LATENCY_SUM_US_AT, sample.latencySumUs, true);
  let cursor = at + layout.EDGE_BYTES;
  for (let i = 0; i < nameBytes.length; i++) view.setUint8(cursor++, nameBytes[i]);
  for (let i = 0; i < sample.buckets.length; i++) {
    if (sample.buckets[i] == 0) continue;
    view.setUint16(cursor, <u16>i, true);
    view.setUint32(cursor + 2, sample.buckets[i], true);
    cursor += layout.BUCKET_BYTES;
  }
  sample.retries = 0;
  sample.latencySumUs = 0;
  sample.outcomes.fill(0);
  sample.buckets.fill(0);
  return cursor;
}

registerRootContext((contextId: u32) => new Root(contextId), 'sdk-classes');
