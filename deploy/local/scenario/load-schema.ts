/** Schemas of the load of a scenario: phases, or a file of rates. */
import Type, { type Static } from 'typebox';
import { closed, Name, Rps, Seconds } from './fields.ts';

export const Phase = Type.Object(
  {
    kind: Type.Union([Type.Literal('constant'), Type.Literal('ramp'), Type.Literal('steps'), Type.Literal('sine')], {
      default: 'constant',
      description: 'Shape of the phase.',
    }),
    forS: Type.Optional(Seconds('Length of the phase in s; without it, to the end (last phase only).')),
    rps: Type.Optional(Rps('constant: requests per second.')),
    fromRps: Type.Optional(Rps('ramp: requests per second at its start.')),
    toRps: Type.Optional(Rps('ramp: requests per second at its end.')),
    stepsRps: Type.Optional(
      Type.Array(Rps('Requests per second.'), {
        minItems: 1,
        description: 'steps: one value after the other; the last one stays.',
      }),
    ),
    everyS: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'steps: length of one step in s.' })),
    meanRps: Type.Optional(Rps('sine: requests per second in the middle.')),
    amplitudeRps: Type.Optional(Rps('sine: how far it swings to either side.')),
    periodS: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'sine: length of one swing in s.' })),
  },
  closed,
);
export type Phase = Static<typeof Phase>;

export const RateFile = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      description:
        'CSV file or one number a line, .gz allowed; relative to the scenario file, or else to where weir was started.',
    }),
    column: Type.Optional(
      Type.Union([Type.String(), Type.Integer({ minimum: 0 })], {
        description: 'Name in the header line, or number from 0, of the column with the rates; without it, the last.',
      }),
    ),
    intervalS: Type.Number({ exclusiveMinimum: 0, maximum: 86_400, description: 'Seconds between two rows.' }),
    scale: Type.Optional(
      Type.Number({
        minimum: 0,
        description:
          'Factor from the values to requests per second: 1 when the file has those, 1/300 for counts in 5 minutes.',
      }),
    ),
    meanRps: Type.Optional(Rps('Instead of scale: the part that is played has this mean.')),
    peakRps: Type.Optional(Rps('Instead of scale: the part that is played has this highest value.')),
    speedUp: Type.Number({ exclusiveMinimum: 0, default: 1, description: 'How many seconds of the file pass in one.' }),
    offsetS: Type.Number({ minimum: 0, default: 0, description: 'Second of the file to begin at.' }),
  },
  { ...closed, description: 'Instead of phases: a file of rates.' },
);
export type RateFile = Static<typeof RateFile>;

export const Load = Type.Object(
  {
    zone: Name('Zone that the requests come from.'),
    service: Name('Service that they address.'),
    arrivals: Type.Union([Type.Literal('poisson'), Type.Literal('uniform')], {
      default: 'poisson',
      description: 'Gaps between arrivals: exponential, or all equal.',
    }),
    phases: Type.Optional(
      Type.Array(Phase, { minItems: 1, description: 'One after the other; after the last, nothing.' }),
    ),
    csv: Type.Optional(RateFile),
  },
  closed,
);
export type Load = Static<typeof Load>;
