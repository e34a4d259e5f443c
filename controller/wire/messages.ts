/**
 * Everything an agent and the controller say to each other over the WebSocket at /v1/agents, each frame one MessagePack map.
 *
 * The rule of the conversation: the agent opens and says `hello`; the controller answers `welcome` (with its epoch and the
 * window to report in) or `refuse` and closes. From then on the agent sends one `report` per window, in order of `sequence`;
 * the controller sends `tables` whenever they changed, and once after each welcome. `tables` is always the whole set: the
 * newest replaces all before it, so at most one is ever pending for an agent. The agent answers each with `ack` once it is
 * stored and offered to its filters. An agent drops `tables` whose epoch is below the highest it has seen.
 */
import Type, { type Static } from 'typebox';

/** Raised whenever a frame changes shape. An unknown version is refused by name. */
export const PROTOCOL_VERSION = 1;

/** Frames above this many bytes are refused and end the connection. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** Weights, trial weights and trial shares are integers out of this. */
export const WEIGHT_TOTAL = 10_000;

/** Agents keep steering by tables this old, in ms, when the controller is gone, unless told otherwise. */
export const DEFAULT_TABLE_TTL_MS = 300_000;

const Name = Type.String({ maxLength: 255 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Weight = Type.Integer({ minimum: 0, maximum: WEIGHT_TOTAL });
const closed = { additionalProperties: false };

export const Caller = Type.Object({ workload: Name, namespace: Name, zone: Name, node: Name }, closed);
/** Who makes the calls: the workload that a proxy stands beside. Empty strings where the proxy did not say. */
export type Caller = Static<typeof Caller>;

export const EdgeReport = Type.Object(
  {
    caller: Caller,
    /** Envoy cluster that was called. */
    cluster: Name,
    arm: Type.Union([Type.Literal('stable'), Type.Literal('trial')]),
    /** Trial that the arm belonged to; 0 when none ran. */
    trialId: Count,
    /** Calls ended in the window: 2xx, 3xx, 4xx, 5xx, reset or timeout, cancelled by the client. */
    outcomes: Type.Array(Count, { minItems: 6, maxItems: 6 }),
    retries: Count,
    /** Requests in flight at the window's end, summed over proxies. */
    inFlight: Count,
    latencySumUs: Count,
    /** Latency histogram, flat: value in µs, count, value, count... values ascending, within 3.2 % of each call in it. */
    latency: Type.Array(Count, { maxItems: 1024 }),
  },
  closed,
);
export type EdgeReport = Static<typeof EdgeReport>;

export const ForecastReport = Type.Object(
  {
    caller: Caller,
    cluster: Name,
    /** Forecaster that was chosen for this series. */
    forecaster: Name,
    /** Length of one forecast window in ms. */
    windowMs: Count,
    /** Requests per second in each of the next windows, nearest first. */
    loadRps: Type.Array(Type.Number({ minimum: 0 }), { minItems: 1, maxItems: 60 }),
    /** Mean absolute error of the chosen forecaster so far, in requests per second. */
    errorRps: Type.Number({ minimum: 0 }),
  },
  closed,
);
export type ForecastReport = Static<typeof ForecastReport>;

export const ProxyReport = Type.Object(
  {
    nodeId: Name,
    caller: Caller,
    tableEpoch: Count,
    tableNumber: Count,
    /** Milliseconds since the last samples of that of its filter VMs which has been silent longest. */
    silentMs: Count,
    droppedCalls: Count,
    lostSamples: Count,
    strippedHeaders: Count,
    steeredCalls: Count,
    rejectedTables: Count,
    configErrors: Count,
  },
  closed,
);
export type ProxyReport = Static<typeof ProxyReport>;

export const Hello = Type.Object(
  {
    type: Type.Literal('hello'),
    protocol: Count,
    agentId: Type.String({ minLength: 1, maxLength: 255 }),
    node: Name,
    zone: Name,
    release: Name,
    /** Tables that the agent holds (0, 0: none). */
    tableEpoch: Count,
    tableNumber: Count,
  },
  closed,
);
export type Hello = Static<typeof Hello>;

export const Report = Type.Object(
  {
    type: Type.Literal('report'),
    sequence: Count,
    /** Wall-clock start of the window, ms since 1970. */
    windowStartMs: Count,
    windowMs: Type.Integer({ minimum: 1 }),
    edges: Type.Array(EdgeReport, { maxItems: 20_000 }),
    forecasts: Type.Array(ForecastReport, { maxItems: 20_000 }),
    proxies: Type.Array(ProxyReport, { maxItems: 5_000 }),
    /** Reports that the agent's outbox dropped since the last one. */
    lostReports: Count,
  },
  closed,
);
export type Report = Static<typeof Report>;

export const Ack = Type.Object({ type: Type.Literal('ack'), tableEpoch: Count, tableNumber: Count }, closed);
export type Ack = Static<typeof Ack>;

export const BackendWeights = Type.Object(
  {
    name: Name,
    cluster: Name,
    weight: Weight,
    trialWeight: Weight,
    /** Whether it may take calls that were drawn for a backend which has unusually many in flight; absent: no. */
    takesOver: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type BackendWeights = Static<typeof BackendWeights>;

export const ServiceTable = Type.Object(
  {
    service: Name,
    /** Caller group that these weights are for: a zone, or '*' for every caller. */
    group: Name,
    draw: Type.Union([Type.Literal('exact'), Type.Literal('balanced')]),
    /** 0: no trial; trialShare is 0 then and trialWeight equals weight. */
    trialId: Count,
    trialShare: Weight,
    /** Weights sum to WEIGHT_TOTAL, trial weights too. */
    backends: Type.Array(BackendWeights, { minItems: 1, maxItems: 64 }),
    /** Clusters that are no backend but at which calls of the service arrive (Istio's cluster without a subset). */
    entryClusters: Type.Array(Name, { maxItems: 64 }),
  },
  closed,
);
export type ServiceTable = Static<typeof ServiceTable>;

export const Welcome = Type.Object(
  {
    type: Type.Literal('welcome'),
    protocol: Count,
    epoch: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
    /** Length of the windows to report in, ms. */
    windowMs: Type.Integer({ minimum: 100, maximum: 600_000 }),
  },
  closed,
);
export type Welcome = Static<typeof Welcome>;

export const Tables = Type.Object(
  {
    type: Type.Literal('tables'),
    epoch: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
    /** Grows by one with each change within an epoch; the first is 1. */
    number: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
    /** How long the agent may go on with these after it last heard from the controller. */
    ttlMs: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
    services: Type.Array(ServiceTable, { maxItems: 20_000 }),
  },
  closed,
);
export type Tables = Static<typeof Tables>;

export const Refuse = Type.Object({ type: Type.Literal('refuse'), code: Name, message: Type.String() }, closed);
export type Refuse = Static<typeof Refuse>;

export const FromAgent = Type.Union([Hello, Report, Ack]);
export type FromAgent = Static<typeof FromAgent>;
export const FromController = Type.Union([Welcome, Tables, Refuse]);
export type FromController = Static<typeof FromController>;
