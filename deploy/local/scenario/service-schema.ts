/** Schemas of the services of a scenario: backends, calls, and what of an AdaptiveRoute may be said beside them. */
import Type, { type Static } from 'typebox';
import { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { closed, Name, Ratio } from './fields.ts';

export const ServiceTime = Type.Object(
  {
    kind: Type.Union(
      [Type.Literal('lognormal'), Type.Literal('exponential'), Type.Literal('constant'), Type.Literal('uniform')],
      {
        default: 'lognormal',
        description: 'Shape of the distribution that service times are drawn from.',
      },
    ),
    meanMs: Type.Number({ exclusiveMinimum: 0, maximum: 60_000, description: 'Mean in ms.' }),
    p99Ms: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 600_000,
        description: 'lognormal only: 99th percentile in ms, between 1.1 and 14 times the mean.',
      }),
    ),
    spreadMs: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 60_000,
        description: 'uniform only: drawn from mean - spread to mean + spread, ms.',
      }),
    ),
  },
  { ...closed, description: 'Distribution of the times that an endpoint works on a request.' },
);
export type ServiceTime = Static<typeof ServiceTime>;

export const Backend = Type.Object(
  {
    name: Name('Name of the backend, the value of x-weir-backend.'),
    zone: Name('Zone that its endpoints stand in.'),
    endpoints: Type.Integer({
      minimum: 1,
      maximum: 16,
      default: 1,
      description: 'Endpoints: servers with a port of their own.',
    }),
    concurrency: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 8,
      description: 'Requests that one endpoint works on at a time (slots).',
    }),
    queue: Type.Integer({
      minimum: 0,
      maximum: 100_000,
      default: 100,
      description: 'Requests that wait for a slot of one endpoint; one more gets 503 at once.',
    }),
    serviceTime: ServiceTime,
    errorRatio: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0,
      description: 'Share of requests answered with errorStatus at once, without work.',
    }),
    errorStatus: Type.Integer({ minimum: 500, maximum: 599, default: 503, description: 'Status of those answers.' }),
    weight: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        description: 'Static weight out of 10,000; without any, all are equal.',
      }),
    ),
  },
  closed,
);
export type Backend = Static<typeof Backend>;

export const Call = Type.Object(
  {
    service: Name('Service that is called.'),
    count: Type.Integer({ minimum: 1, maximum: 50, default: 1, description: 'Calls made to it, at the same time.' }),
    probability: Type.Number({ minimum: 0, maximum: 1, default: 1, description: 'Chance that each of them is made.' }),
    optional: Type.Boolean({
      default: false,
      description: 'Whether the caller answers 200 even when the call failed.',
    }),
  },
  closed,
);
export type Call = Static<typeof Call>;

export const RouteShort = Type.Object(
  {
    mode: Type.Optional(AdaptiveRoute.properties.spec.properties.mode),
    policy: Type.Optional(AdaptiveRoute.properties.spec.properties.policy),
    draw: Type.Optional(AdaptiveRoute.properties.spec.properties.draw),
    callerGroup: Type.Optional(AdaptiveRoute.properties.spec.properties.callerGroup),
    objective: Type.Optional(AdaptiveRoute.properties.spec.properties.objective),
    guard: Type.Optional(AdaptiveRoute.properties.spec.properties.guard),
    trial: Type.Optional(AdaptiveRoute.properties.spec.properties.trial),
    minShare: Type.Optional(Ratio('minShare of every backend.')),
    maxShare: Type.Optional(Ratio('maxShare of every backend.')),
  },
  {
    ...closed,
    description:
      'The parts of an AdaptiveRoute that differ from its defaults; host, port and backends come from the scenario.',
  },
);

export const Service = Type.Object(
  {
    name: Name('Name of the service and host that callers address.'),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 80, description: 'Port that callers address.' }),
    backends: Type.Array(Backend, { minItems: 1, maxItems: 64, description: 'Alternatives that serve it.' }),
    calls: Type.Array(Type.Array(Call, { minItems: 1 }), {
      default: [],
      description: 'Stages, one after the other; the calls of one stage run at the same time.',
    }),
    holdsSlot: Type.Boolean({ default: true, description: 'Whether a request keeps its slot while its calls run.' }),
    timeoutMs: Type.Integer({
      minimum: 1,
      maximum: 600_000,
      default: 3000,
      description: 'Time that callers wait for an answer, retries included, ms.',
    }),
    retries: Type.Integer({
      minimum: 0,
      maximum: 10,
      default: 0,
      description: "Times that the caller's Envoy tries again after 5xx, reset or a refused connection.",
    }),
    loadBalancing: Type.Union([Type.Literal('LEAST_REQUEST'), Type.Literal('ROUND_ROBIN'), Type.Literal('RANDOM')], {
      default: 'LEAST_REQUEST',
      description: 'How Envoy picks an endpoint within a backend.',
    }),
    steered: Type.Boolean({
      default: false,
      description: 'Whether Weir steers it, by an AdaptiveRoute with defaults.',
    }),
    route: Type.Optional(RouteShort),
  },
  closed,
);
export type Service = Static<typeof Service>;
