/**
 * One request, from its headers to its end. Steers it if the table names its service, else removes what a client may have
 * put into x-weir-backend; and measures it either way. Nothing is allocated here, and in doubt the request goes on as it came.
 *
 * Latency is from request headers to response headers: the last byte would also time how fast the client reads.
 */
import {
  ARM_STABLE,
  ARM_TRIAL,
  OUTCOME_2XX,
  OUTCOME_3XX,
  OUTCOME_4XX,
  OUTCOME_5XX,
  OUTCOME_CANCELLED,
  OUTCOME_RESET,
  WEIGHT_TOTAL,
} from '../agent/wire/layout';
import { ascii, isEqual } from './host/bytes';
import {
  hasRequestHeader,
  nowNs,
  REQUEST_HEADERS,
  RESPONSE_HEADERS,
  RESPONSE_TRAILERS,
  readNumber,
  readNumberHeader,
  readProperty,
  removeRequestHeader,
  replaceRequestHeader,
  value,
} from './host/calls';
import { Cluster, clusterOf, nameOf, sampleOf } from './measure/clusters';
import { counters } from './measure/counters';
import { closeCall, findCall, OpenCall, openCall } from './measure/open-calls';
import { record } from './measure/sample';
import { noteLatency } from './measure/usual';
import { pick } from './route/pick';
import { below } from './route/random';
import { Service, serviceOf } from './route/table';

const backendHeader = ascii('x-weir-backend');
const statusHeader = ascii(':status');
const grpcStatusHeader = ascii('grpc-status');
const clusterName = ascii('xds\0cluster_name');
const responseFlags = ascii('response\0flags');
const attemptCount = ascii('upstream\0request_attempt_count');

// Bits of response.flags: bit n is the n-th of Envoy's CoreResponseFlag (envoy/stream_info/stream_info.h).
const CANCELLED_FLAGS: u64 =
  (1 << 14) | // downstream connection termination, "DC"
  (1 << 28); // downstream remote reset, "DR"
const RESET_FLAGS: u64 =
  (1 << 1) | // no healthy upstream, "UH"
  (1 << 2) | // upstream request timeout, "UT"
  (1 << 3) | // local reset, "LR"
  (1 << 4) | // upstream remote reset, "UR"
  (1 << 5) | // upstream connection failure, "UF"
  (1 << 6) | // upstream connection termination, "UC"
  (1 << 7) | // upstream overflow, "UO"
  (1 << 16) | // stream idle timeout, "SI"
  (1 << 19) | // upstream max stream duration reached, "UMSDR"
  (1 << 22) | // duration timeout, "DT"
  (1 << 23) | // upstream protocol error, "UPE"
  (1 << 24) | // no cluster found, "NC"
  (1 << 26); // DNS resolution failed, "DF"

/** Whether the last `routedCluster` saw a route to a cluster, known or not. */
let isRouted: bool = false;

export function onRequestHeaders(contextId: u32): void {
  let cluster = routedCluster();
  let service = serviceOf(cluster);
  if (service == null && strip()) {
    // The client's header may have hidden a service that is steered.
    cluster = routedCluster();
    service = serviceOf(cluster);
  }
  const call = openCall(contextId);
  if (service != null) cluster = steer(service, call, cluster);
  if (call == null || cluster == null) {
    // Without a route it is nobody's call; with one there is no room for it, which has to be known.
    if (isRouted) counters.droppedCalls++;
    if (call != null) closeCall(call);
    return;
  }
  call.cluster = cluster;
  call.startNs = nowNs();
  cluster.inFlight++;
  cluster.idleAgings = 0;
}

export function onResponseHeaders(contextId: u32, isEnd: bool): void {
  const call = findCall(contextId);
  if (call == null) return;
  call.answeredNs = nowNs();
  const status = readNumberHeader(RESPONSE_HEADERS, statusHeader);
  if (status > 0) call.status = <u32>status;
  // gRPC servers answer early errors with headers alone.
  if (isEnd) call.grpcStatus = readNumberHeader(RESPONSE_HEADERS, grpcStatusHeader);
}

export function onResponseTrailers(contextId: u32): void {
  const call = findCall(contextId);
  if (call != null) call.grpcStatus = readNumberHeader(RESPONSE_TRAILERS, grpcStatusHeader);
}

/** The call is over and its facts are final. */
export function onLog(contextId: u32): void {
  const call = findCall(contextId);
  if (call == null) return;
  const endNs = call.answeredNs == 0 ? nowNs() : call.answeredNs;
  const latencyUs = endNs > call.startNs ? (endNs - call.startNs) / 1000 : 0;
  const attempts = readNumber(attemptCount, 1);
  const outcome = outcomeOf(call, readNumber(responseFlags, 0));
  const retries = attempts > 1 ? <u32>(attempts - 1) : 0;
  const cluster = servedBy(call);
  if (cluster != null) noteOutcome(cluster, outcome, latencyUs);
  const sample = sampleOf(cluster, call.arm, call.trialId);
  if (sample == null) counters.droppedCalls++;
  else record(sample, outcome, latencyUs, retries);
  end(call);
}

/** A client that went away says nothing of the backend. */
function noteOutcome(cluster: Cluster, outcome: u32, latencyUs: u64): void {
  if (outcome == OUTCOME_CANCELLED) return;
  if (outcome == OUTCOME_5XX || outcome == OUTCOME_RESET) {
    cluster.failuresInRow++;
    return;
  }
  cluster.failuresInRow = 0;
  noteLatency(cluster, latencyUs);
}

/** The host is done with a context; it may be one that never came to its log. */
export function onDelete(contextId: u32): void {
  const call = findCall(contextId);
  if (call != null) end(call);
}

function end(call: OpenCall): void {
  const cluster = call.cluster;
  if (cluster != null && cluster.inFlight > 0) cluster.inFlight--;
  closeCall(call);
}

function steer(service: Service, call: OpenCall | null, routed: Cluster | null): Cluster | null {
  const isTrial = service.trialShare > 0 && below(WEIGHT_TOTAL) < service.trialShare;
  const arm: u32 = isTrial ? ARM_TRIAL : ARM_STABLE;
  const backend = pick(service, arm);
  if (hasRequestHeader(backendHeader)) counters.strippedHeaders++;
  // The host chooses the route again by itself once a request header changed.
  if (!replaceRequestHeader(backendHeader, backend.valueAt, backend.valueLength)) return routed;
  counters.steeredCalls++;
  if (call != null) {
    call.arm = arm;
    call.trialId = service.trialId;
  }
  return backend.cluster;
}

/** Removes the header of a request that is not steered: only the filter may choose a backend. */
function strip(): bool {
  if (!hasRequestHeader(backendHeader)) return false;
  counters.strippedHeaders++;
  removeRequestHeader(backendHeader);
  return true;
}

function routedCluster(): Cluster | null {
  isRouted = readProperty(clusterName) && value.length > 0;
  return isRouted ? clusterOf(value.at, value.length) : null;
}

/** Where the request really went: a mesh without the header match sends it by its plain route, whatever was drawn. */
function servedBy(call: OpenCall): Cluster | null {
  const expected = call.cluster;
  if (!readProperty(clusterName) || value.length == 0) return expected;
  if (expected != null && isEqual(nameOf(expected), expected.nameLength, value.at, value.length)) return expected;
  return clusterOf(value.at, value.length);
}

function outcomeOf(call: OpenCall, flags: u64): u32 {
  // A client that leaves a failure half read has still seen it fail.
  if ((flags & CANCELLED_FLAGS) != 0) return call.status >= 500 ? OUTCOME_5XX : OUTCOME_CANCELLED;
  if ((flags & RESET_FLAGS) != 0 || call.status == 0) return OUTCOME_RESET;
  if (call.grpcStatus >= 0) return outcomeOfGrpc(call.grpcStatus);
  if (call.status < 300) return OUTCOME_2XX;
  if (call.status < 400) return OUTCOME_3XX;
  return call.status < 500 ? OUTCOME_4XX : OUTCOME_5XX;
}

/** Codes as in grpc/doc/statuscodes.md: whose fault it is decides. Overload (8) is the backend's: it must not look healthy. */
function outcomeOfGrpc(status: i32): u32 {
  switch (status) {
    case 0: // OK
      return OUTCOME_2XX;
    case 1: // CANCELLED
      return OUTCOME_CANCELLED;
    case 4: // DEADLINE_EXCEEDED
      return OUTCOME_RESET;
    case 3: // INVALID_ARGUMENT
    case 5: // NOT_FOUND
    case 6: // ALREADY_EXISTS
    case 7: // PERMISSION_DENIED
    case 9: // FAILED_PRECONDITION
    case 10: // ABORTED
    case 11: // OUT_OF_RANGE
    case 16: // UNAUTHENTICATED
      return OUTCOME_4XX;
    default:
      return OUTCOME_5XX;
  }
}
