/** What the API takes and gives, as schemas: they check what comes in and describe what goes out in /v1/openapi.json. */
import Type, { type Static } from 'typebox';
import { WEIGHT_TOTAL } from '../wire/messages.ts';

const closed = { additionalProperties: false };
const Service = Type.String({ minLength: 1, maxLength: 512, description: "host:port, or '*' for every service" });
const Group = Type.String({
  minLength: 1,
  maxLength: 255,
  description: "Caller group (a zone); '*', the default: all",
});
const By = Type.String({ minLength: 1, maxLength: 255, description: 'Who wants it; written into the log' });
const Why = Type.String({ maxLength: 1_000, description: 'The reason; written into the log' });
const Weights = Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: WEIGHT_TOTAL }), {
  description: 'Backend to weight, integers that sum to 10,000',
});

export const FreezeBody = Type.Object({ service: Service, by: By, why: Type.Optional(Why) }, closed);
export const UnfreezeBody = Type.Object({ service: Service, by: By, why: Type.Optional(Why) }, closed);
export const PinBody = Type.Object(
  { service: Service, group: Type.Optional(Group), weights: Weights, by: By, why: Type.Optional(Why) },
  closed,
);
export const GroupBody = Type.Object(
  { service: Service, group: Type.Optional(Group), by: By, why: Type.Optional(Why) },
  closed,
);
export type FreezeBody = Static<typeof FreezeBody>;
export type PinBody = Static<typeof PinBody>;
export type GroupBody = Static<typeof GroupBody>;

export const DecisionsQuery = Type.Object(
  {
    service: Type.Optional(Type.String({ description: 'Only those of this service' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 50 })),
    beforeId: Type.Optional(Type.Integer({ minimum: 1, description: 'Only older ones: pages on from the last id' })),
  },
  closed,
);

export const DemandQuery = Type.Object(
  {
    service: Type.String({ minLength: 1, maxLength: 512, description: 'host:port' }),
    backend: Type.String({ minLength: 1, maxLength: 63, description: 'Name of the backend in the AdaptiveRoute' }),
  },
  closed,
);
export type DemandQuery = Static<typeof DemandQuery>;

export const DemandAnswer = Type.Object({
  loadRps: Type.Number({ description: 'Calls per second to be ready for: the larger of the two below' }),
  measuredRps: Type.Number({ description: 'Calls per second at the backend now' }),
  foreseenRps: Type.Number({
    description:
      'In the busiest window that is foreseen, by the weights in force; no caller group counts for less than it calls now',
  }),
  aheadS: Type.Number({ description: 'How far ahead the forecasts look, s; 0: there are none' }),
});

const Loss = Type.Number({ description: 'Mean loss per call in ms; lower is better' });
export const DecisionSchema = Type.Object({
  id: Type.Integer(),
  atMs: Type.Integer({ description: 'Wall clock, ms since 1970' }),
  kind: Type.String({ description: 'relief, recovery, recommendation, trial, verdict, manual or route' }),
  service: Type.String(),
  group: Type.String(),
  by: Type.String(),
  from: Weights,
  to: Weights,
  why: Type.String(),
  trial: Type.Optional(
    Type.Object({ id: Type.Integer(), stage: Type.Integer(), stages: Type.Integer(), share: Type.Number() }),
  ),
  predictedLossMs: Type.Optional(Loss),
  measuredLossMs: Type.Optional(Loss),
  verdict: Type.Optional(Type.String({ description: 'kept, reverted or aborted' })),
  evidence: Type.Record(Type.String(), Type.Unknown()),
});
export const Decisions = Type.Object({ decisions: Type.Array(DecisionSchema) });

export const Agents = Type.Object({
  agents: Type.Array(
    Type.Object({
      agentId: Type.String(),
      node: Type.String(),
      zone: Type.String(),
      release: Type.String(),
      remote: Type.String(),
      connectedMs: Type.Integer(),
      silentMs: Type.Integer(),
      reports: Type.Integer(),
      staleReports: Type.Integer(),
      lostReports: Type.Integer(),
      badFrames: Type.Integer(),
      tableEpoch: Type.Integer({ description: 'Tables acknowledged last' }),
      tableNumber: Type.Integer(),
    }),
  ),
});

export const Health = Type.Object({ ok: Type.Boolean(), message: Type.String() });
export const Failure = Type.Object({
  code: Type.String({ description: 'For programs: WEIR_API_…, WEIR_CONTROLLER_…' }),
  message: Type.String({ description: 'For people: one sentence' }),
});
