/**
 * AdaptiveRoute: what the owner of a service asks of Weir. One document per service, the same shape in a YAML file on a
 * laptop and as a Kubernetes custom resource. The schema here is the only one: types, validation, defaults and the
 * custom resource definition come from it.
 */
import Type, { type Static } from 'typebox';

const closed = { additionalProperties: false };
const Share = (description: string, fallback: number) =>
  Type.Number({ minimum: 0, maximum: 1, default: fallback, description });

const Scale = Type.Object(
  {
    deployment: Type.String({
      maxLength: 58,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      description: "Deployment, of the route's namespace, whose pods are this backend.",
    }),
    rpsPerReplica: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1_000_000,
      description: 'Calls per second that one replica is to take.',
    }),
    minReplicas: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 2,
      description: 'Least replicas; never none, since nothing is measured of a backend that is not there.',
    }),
    maxReplicas: Type.Integer({ minimum: 1, maximum: 10_000, description: 'Most replicas.' }),
  },
  {
    ...closed,
    description:
      'By what its replicas are to be counted: weir generate makes a ScaledObject of KEDA of it, which follows the forecast.',
  },
);

export const Backend = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$',
      description: 'Value of x-weir-backend that routes to this backend.',
    }),
    cluster: Type.String({
      maxLength: 255,
      default: '',
      description:
        "Envoy cluster that serves this backend; without one, that of Istio's subset of the same name: outbound|PORT|NAME|HOST.",
    }),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Labels of the pods that are this backend, for the DestinationRule that Weir writes.',
      }),
    ),
    zone: Type.Optional(Type.String({ maxLength: 63, description: 'Zone that the endpoints stand in.' })),
    weight: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        description:
          'Starting weight out of 10,000; without any, all start equal. The sum over backends must be 10,000.',
      }),
    ),
    minShare: Share('Least share of requests that a healthy backend keeps, so that it stays measured.', 0.002),
    maxShare: Share('Largest share of requests.', 1),
    scale: Type.Optional(Scale),
  },
  closed,
);
export type Backend = Static<typeof Backend>;

export const AdaptiveRoute = Type.Object(
  {
    apiVersion: Type.Literal('weir.dev/v1alpha1'),
    kind: Type.Literal('AdaptiveRoute'),
    metadata: Type.Object(
      {
        name: Type.String({ pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$' }),
        namespace: Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$', default: 'default' }),
        labels: Type.Optional(Type.Record(Type.String(), Type.String())),
        annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
      },
      closed,
    ),
    spec: Type.Object(
      {
        host: Type.String({ minLength: 1, maxLength: 253, description: 'Host that callers address.' }),
        port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port that callers address.' }),
        mode: Type.Union([Type.Literal('observe'), Type.Literal('recommend'), Type.Literal('enforce')], {
          default: 'enforce',
          description: 'observe: measure only. recommend: log proposals, change nothing. enforce: steer.',
        }),
        policy: Type.String({ default: 'marginal-loss', description: 'Policy that proposes weights.' }),
        draw: Type.Union([Type.Literal('balanced'), Type.Literal('exact')], {
          default: 'balanced',
          description: 'balanced: by weight, unless another is less busy for its weight. exact: by weight alone.',
        }),
        callerGroup: Type.Union([Type.Literal('zone'), Type.Literal('mesh')], {
          default: 'zone',
          description: 'Callers that share weights: those of one zone, or all.',
        }),
        entryClusters: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
          maxItems: 64,
          default: [],
          description:
            "Envoy clusters that are no backend but at which calls of the service arrive; where a backend has Istio's name, also outbound|PORT||HOST.",
        }),
        backends: Type.Array(Backend, {
          maxItems: 64,
          default: [],
          description:
            'At least one, or backendsFrom; with backendsFrom what is said here counts for the one of that name.',
        }),
        backendsFrom: Type.Optional(
          Type.Object(
            {
              label: Type.Optional(
                Type.String({
                  pattern: '^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$',
                  description:
                    'Each value that this label has on the pods behind the host is a backend, for example version; topology.kubernetes.io/zone: each zone that its endpoints stand in.',
                }),
              ),
              destinationRule: Type.Optional(
                Type.String({
                  pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$',
                  description: 'Each subset of this one, of the namespace, is a backend; Weir then writes none itself.',
                }),
              ),
            },
            { ...closed, description: 'Backends as the API server tells of them, and as they change: one of the two.' },
          ),
        ),
        adopt: Type.Optional(
          Type.Object(
            {
              virtualService: Type.String({
                pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$',
                description: 'One of the namespace that routes the host already.',
              }),
            },
            {
              ...closed,
              description:
                'What is there already and may be changed: Weir adds its header matches and moves its weights, and puts back what was there when the route goes.',
            },
          ),
        ),
        objective: Type.Object(
          {
            latencyMs: Type.Number({
              exclusiveMinimum: 0,
              maximum: 60_000,
              default: 500,
              description: 'Latency target in ms at the percentile.',
            }),
            percentile: Type.Number({ minimum: 50, maximum: 99.99, default: 99 }),
            errorBudget: Share('Share of calls that may fail (5xx, reset, timeout).', 0.001),
            crossZoneCostMs: Type.Number({
              minimum: 0,
              maximum: 60_000,
              default: 0,
              description: 'What a call that leaves its zone costs beside its latency, in ms.',
            }),
          },
          { ...closed, default: {} },
        ),
        guard: Type.Object(
          {
            maxStep: Share('Largest change of one share in one improvement.', 0.5),
            minRequests: Type.Integer({
              minimum: 1,
              default: 50,
              description: 'Least calls per backend in the decayed window before an improvement is proposed.',
            }),
            cooldownS: Type.Number({
              minimum: 0,
              default: 10,
              description: 'Seconds between a verdict and the next trial.',
            }),
            probeShare: Type.Number({
              exclusiveMinimum: 0,
              maximum: 0.5,
              default: 0.02,
              description:
                'Share that a relieved backend keeps at most, so that it stays measured and can come back; less where 1.5 calls per second are less, or 0.75 of those that are bad.',
            }),
            freezes: Type.Array(
              Type.Object(
                {
                  from: Type.String({ description: 'RFC 3339 instant, for example 2026-11-27T00:00:00Z.' }),
                  to: Type.String({ description: 'RFC 3339 instant.' }),
                  reason: Type.Optional(Type.String()),
                },
                closed,
              ),
              { maxItems: 64, default: [], description: 'Windows in which weights stay, relief included.' },
            ),
          },
          { ...closed, default: {} },
        ),
        trial: Type.Object(
          {
            stages: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 1 }), {
              minItems: 1,
              maxItems: 10,
              default: [0.1, 0.3, 1],
              description: 'Shares of requests in the trial arm, ascending; 1 is the whole, watched against the past.',
            }),
            alpha: Type.Number({
              exclusiveMinimum: 0,
              maximum: 0.5,
              default: 0.05,
              description: 'Largest chance of a false verdict over the whole trial.',
            }),
            maxDurationS: Type.Number({
              exclusiveMinimum: 0,
              default: 120,
              description: 'Seconds after which an undecided trial is reverted.',
            }),
          },
          { ...closed, default: {} },
        ),
      },
      closed,
    ),
  },
  { ...closed, title: 'AdaptiveRoute' },
);
/** A route with every default filled in. */
export type AdaptiveRoute = Static<typeof AdaptiveRoute>;

/** `host:port`, the word *service* of the design: the key of tables, decisions and the API. The host is whole where Istio has it (clusters.ts). */
export function serviceOf(route: AdaptiveRoute): string {
  return `${route.spec.host}:${route.spec.port}`;
}
