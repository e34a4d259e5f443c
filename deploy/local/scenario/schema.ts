/**
 * What a scenario file may say. The schema here is the only one: types, defaults, messages and scenario.schema.json (for
 * editors) come from it; SCENARIO.md explains it. All shapes are flat objects rather than unions of shapes, so that a wrong
 * key can be named exactly; which keys belong together is checked in check.ts.
 */
import Type, { type Static } from 'typebox';
import { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { closed, Name, Ratio, Seconds } from './fields.ts';
import { Load } from './load-schema.ts';
import { Service, ServiceTime } from './service-schema.ts';

export const Change = Type.Object(
  {
    serviceTimeMultiplier: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1000, description: 'Factor on every service time.' }),
    ),
    errorRatio: Type.Optional(Ratio('Share of requests answered with errorStatus at once.')),
    serviceTime: Type.Optional(ServiceTime),
    concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Slots per endpoint.' })),
    queue: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 100_000, description: 'Places in the queue per endpoint.' }),
    ),
    down: Type.Optional(Type.Boolean({ description: 'Refuses connections and resets those that are open.' })),
  },
  { ...closed, description: 'What changes at the backend; what is not named stays.' },
);
export type Change = Static<typeof Change>;

const WirePair = Type.Array(Type.String(), { minItems: 2, maxItems: 2, description: 'Two zones.' });
const OneWayMs = Type.Number({ minimum: 0, maximum: 10_000, description: 'Latency added on the wire, each way, ms.' });
export const Wire = Type.Object(
  { between: WirePair, oneWayMs: OneWayMs },
  { ...closed, description: 'Latency between two zones.' },
);
export type Wire = Static<typeof Wire>;

export const Node = Type.Object({ name: Name('Name of the node.'), zone: Name('Zone that it stands in.') }, closed);
export type Node = Static<typeof Node>;

const LoadChange = Type.Object(
  {
    multiplier: Type.Number({
      minimum: 0,
      maximum: 1000,
      description: 'Factor on the load, until the next such event.',
    }),
    zone: Type.Optional(Type.String({ description: 'Zone concerned; without it, all.' })),
  },
  { ...closed, description: 'Load that grows or falls: multiplier, and zone if not all.' },
);

export const Event = Type.Object(
  {
    atS: Seconds('When, in s of durationS; scaled with it.'),
    note: Type.Optional(
      Type.String({ description: 'Announced when it happens, instead of a sentence made from the event.' }),
    ),
    backend: Type.Optional(Type.String({ description: 'service/backend that changes or heals.' })),
    endpoint: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Number from 0 of the one endpoint concerned; without it, all.' }),
    ),
    change: Type.Optional(Change),
    heal: Type.Optional(Type.Boolean({ description: 'true: back to what the scenario says.' })),
    load: Type.Optional(LoadChange),
    wire: Type.Optional(Wire),
  },
  closed,
);
export type Event = Static<typeof Event>;

export const Scenario = Type.Object(
  {
    name: Name('Name of the scenario.'),
    description: Type.String({ default: '', description: 'What it shows, in a sentence or two.' }),
    seed: Type.Integer({
      minimum: 0,
      maximum: 0xffffffff,
      default: 1,
      description: 'Arrivals, service times and errors follow from it.',
    }),
    durationS: Type.Number({
      minimum: 1,
      maximum: 86_400,
      default: 120,
      description: 'Length of a run in s; --duration scales every time in the file.',
    }),
    warmupS: Type.Number({
      minimum: 0,
      maximum: 600,
      default: 5,
      description: 'Seconds of load before second 0 that no figure counts; not scaled.',
    }),
    targetMs: Type.Number({
      exclusiveMinimum: 0,
      maximum: 60_000,
      default: 500,
      description: 'An external request counts as good when it succeeds within this many ms.',
    }),
    zones: Type.Array(Name('Zone.'), { minItems: 1, maxItems: 8, description: 'Names of the zones.' }),
    wire: Type.Array(Wire, { default: [], description: 'Latency between zones; pairs not named have none.' }),
    nodes: Type.Array(Node, {
      minItems: 1,
      maxItems: 32,
      description: 'One agent runs on each. The endpoints of a backend are dealt out over the nodes of its zone.',
    }),
    services: Type.Array(Service, { minItems: 1, maxItems: 64, description: 'What is called.' }),
    load: Type.Array(Load, { minItems: 1, description: 'Requests from outside.' }),
    events: Type.Array(Event, { default: [], description: 'What happens while it runs.' }),
    routes: Type.Array(AdaptiveRoute, {
      default: [],
      description: 'Whole AdaptiveRoute documents, instead of route or steered in a service.',
    }),
  },
  { ...closed, title: 'Weir scenario', $schema: 'http://json-schema.org/draft-07/schema#' },
);
/** A scenario with every default filled in. */
export type Scenario = Static<typeof Scenario>;
