/**
 * Every byte that a filter and an agent say to each other. Constants only: asc compiles this file into the filter,
 * tsc into the agent, so both sides read one truth. All integers are little-endian; nothing is padded or aligned.
 *
 * The rule of the conversation: the filter asks, the agent answers.
 *
 *   POST /v1/samples              body: one samples message (below). 204, or 400 with a sentence.
 *   GET  /v1/table?have=VIEWID    VIEWID: 16 hex digits, the view the filter has in force (zeros: none). The agent holds
 *                                 the request until it has another view, for HOLD_MS at most. 200, body: one table message.
 *
 * Both carry who asks, as headers: x-weir-node-id, x-weir-workload, x-weir-namespace, x-weir-zone (each may be empty;
 * bytes outside visible ASCII are replaced by '_'), and x-weir-vm: 16 hex digits, one VM's life (a proxy has one VM per worker).
 *
 * Samples message:  header, then edgeCount × (edge record, cluster name, bucketCount × bucket)
 *
 *    0 u32 magic        4 u16 version     6 u16 edgeCount     8 u64 vmId
 *   16 u32 sequence    20 u32 intervalMs 24 u64 viewId       32 u32 tableEpoch    36 u32 tableNumber
 *   40 u32 droppedCalls   44 u32 lostSamples   48 u32 strippedHeaders   52 u32 steeredCalls
 *   56 u32 rejectedTables 60 u32 configErrors
 *
 *   edge:    0 u16 nameBytes  2 u8 arm  3 u8 0  4 u16 bucketCount  6 u16 0  8 u32 trialId  12 u32 inFlight
 *           16 u32 × 6 calls by outcome class (OUTCOME_*)  40 u32 retries  44 u64 latencySumUs
 *   bucket:  0 u16 index  2 u32 count            (index ascending, count > 0)
 *
 * Table message:    header, then serviceCount × (service record, backends, entry clusters)
 *
 *    0 u32 magic   4 u16 version   6 u16 flags   8 u64 viewId   16 u32 tableEpoch   20 u32 tableNumber
 *   24 u32 ttlMs  28 u16 serviceCount  30 u16 0
 *
 *   service: 0 u8 draw  1 u8 backendCount  2 u16 trialShare  4 u32 trialId  8 u16 entryCount  10 u16 0
 *   backend: 0 u16 weight  2 u16 trialWeight  4 u16 clusterBytes  6 u16 valueBytes  8 u8 flags, then cluster, then header value
 *   entry:   0 u16 clusterBytes, then cluster    (a cluster that is no backend but at which calls of the service arrive)
 */

export const PROTOCOL_VERSION: u32 = 2;

/** How long the agent holds a table request that it has nothing new for, in ms. */
export const HOLD_MS: u32 = 20000;

/** Weights, trial weights and trialShare are integers out of this. */
export const WEIGHT_TOTAL: u32 = 10000;

// Samples message. "WSMP" as its first four bytes.
export const SAMPLES_MAGIC: u32 = 0x504d5357;
export const SAMPLES_HEADER_BYTES: u32 = 64;
export const SAMPLES_MAGIC_AT: u32 = 0;
export const SAMPLES_VERSION_AT: u32 = 4;
export const SAMPLES_EDGE_COUNT_AT: u32 = 6;
export const SAMPLES_VM_ID_AT: u32 = 8;
export const SAMPLES_SEQUENCE_AT: u32 = 16;
export const SAMPLES_INTERVAL_MS_AT: u32 = 20;
export const SAMPLES_VIEW_ID_AT: u32 = 24;
export const SAMPLES_TABLE_EPOCH_AT: u32 = 32;
export const SAMPLES_TABLE_NUMBER_AT: u32 = 36;
/** Calls not measured because every edge slot was taken, since the last message (like all counters here). */
export const SAMPLES_DROPPED_CALLS_AT: u32 = 40;
/** Samples messages thrown away because the agent did not take them and the buffer was full. */
export const SAMPLES_LOST_SAMPLES_AT: u32 = 44;
/** Requests that came with an x-weir-backend which was removed or replaced. */
export const SAMPLES_STRIPPED_HEADERS_AT: u32 = 48;
/** Requests whose backend the filter drew. */
export const SAMPLES_STEERED_CALLS_AT: u32 = 52;
/** Table messages refused because they were malformed or too large. */
export const SAMPLES_REJECTED_TABLES_AT: u32 = 56;
/** Wrong keys in the plugin configuration in force (a level, not a count since the last message). */
export const SAMPLES_CONFIG_ERRORS_AT: u32 = 60;

export const EDGE_BYTES: u32 = 52;
export const EDGE_NAME_BYTES_AT: u32 = 0;
export const EDGE_ARM_AT: u32 = 2;
export const EDGE_BUCKET_COUNT_AT: u32 = 4;
export const EDGE_TRIAL_ID_AT: u32 = 8;
/** Requests in flight on this edge when the message was made (a level). */
export const EDGE_IN_FLIGHT_AT: u32 = 12;
export const EDGE_OUTCOMES_AT: u32 = 16;
/** Attempts beyond the first that Envoy made by itself; each was a failed attempt at this cluster. */
export const EDGE_RETRIES_AT: u32 = 40;
/** Sum over the calls that the histogram holds, in µs. */
export const EDGE_LATENCY_SUM_US_AT: u32 = 44;
export const BUCKET_BYTES: u32 = 6;

export const ARM_STABLE: u32 = 0;
export const ARM_TRIAL: u32 = 1;

// Outcome classes. gRPC calls are classed by grpc-status, not by the 200 that carries it.
export const OUTCOME_COUNT: u32 = 6;
export const OUTCOME_2XX: u32 = 0;
export const OUTCOME_3XX: u32 = 1;
export const OUTCOME_4XX: u32 = 2;
export const OUTCOME_5XX: u32 = 3;
/** No answer: connection failure, reset by the backend, or Envoy's own timeout. */
export const OUTCOME_RESET: u32 = 4;
/** The client went away before the answer. */
export const OUTCOME_CANCELLED: u32 = 5;

// Latency histogram: log-linear, BUCKETS_PER_OCTAVE equal buckets in every power of two of µs, from 2^6 = 64 µs to
// 2^26 µs = 67 s. A bucket is at most 1/16 wide, so its middle is within 3.2 % of every value in it.
// It holds every call but those classed 5xx or reset: a failure has no latency worth steering by. A cancelled call counts
// with the time it had waited, a lower bound.
//   index 0: under 64 µs   index 1 + (octave - 6) * 16 + sixteenth   index HISTOGRAM_BUCKETS - 1: 67.1 s and over
export const HISTOGRAM_MIN_OCTAVE: u32 = 6;
export const HISTOGRAM_OCTAVES: u32 = 20;
export const BUCKETS_PER_OCTAVE: u32 = 16;
export const HISTOGRAM_BUCKETS: u32 = 322;

// Table message. "WTBL" as its first four bytes.
export const TABLE_MAGIC: u32 = 0x4c425457;
export const TABLE_HEADER_BYTES: u32 = 32;
export const TABLE_MAGIC_AT: u32 = 0;
export const TABLE_VERSION_AT: u32 = 4;
export const TABLE_FLAGS_AT: u32 = 6;
export const TABLE_VIEW_ID_AT: u32 = 8;
export const TABLE_EPOCH_AT: u32 = 16;
export const TABLE_NUMBER_AT: u32 = 20;
/** For how long after its arrival the filter may steer by the view it has, in ms. Refreshed by every answer. */
export const TABLE_TTL_MS_AT: u32 = 24;
export const TABLE_SERVICE_COUNT_AT: u32 = 28;
/** Flag: the view asked with is still right; no services follow and only the ttl is new. */
export const TABLE_UNCHANGED: u32 = 1;

export const SERVICE_BYTES: u32 = 12;
export const SERVICE_DRAW_AT: u32 = 0;
export const SERVICE_BACKEND_COUNT_AT: u32 = 1;
export const SERVICE_TRIAL_SHARE_AT: u32 = 2;
/** 0: no trial. */
export const SERVICE_TRIAL_ID_AT: u32 = 4;
export const SERVICE_ENTRY_COUNT_AT: u32 = 8;
export const DRAW_EXACT: u32 = 0;
export const DRAW_BALANCED: u32 = 1;

export const BACKEND_BYTES: u32 = 9;
export const BACKEND_WEIGHT_AT: u32 = 0;
export const BACKEND_TRIAL_WEIGHT_AT: u32 = 2;
export const BACKEND_CLUSTER_BYTES_AT: u32 = 4;
export const BACKEND_VALUE_BYTES_AT: u32 = 6;
export const BACKEND_FLAGS_AT: u32 = 8;
/** Flag: may take calls that were drawn for a backend which has unusually many in flight. */
export const BACKEND_TAKES_OVER: u32 = 1;
export const ENTRY_BYTES: u32 = 2;

// Limits that both sides enforce.
export const MAX_NAME_BYTES: u32 = 255;
export const MAX_BACKENDS: u32 = 64;
export const MAX_SAMPLES_BYTES: u32 = 1048576;
export const MAX_TABLE_BYTES: u32 = 1048576;
