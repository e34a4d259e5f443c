/**
 * The custom resource definition of AdaptiveRoute, made from the one schema. What the API server's own language can say is
 * refused there, at `kubectl apply`; all of it is checked again by the controller, which puts the rest on the route as a condition.
 *
 * Differences of a structural schema (Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions"): a choice of words
 * is an `enum`, an exclusive bound is a flag beside the bound, unknown keys are pruned and not refused
 * (`kubectl` refuses them by itself), and metadata is the server's business.
 */
import { stringify } from 'yaml';
import { routeSchema } from './schema.ts';

export const GROUP = 'weir.dev';
export const VERSION = 'v1alpha1';
export const PLURAL = 'adaptiveroutes';

/** The part of JSON Schema that AdaptiveRoute is written in. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly exclusiveMinimum?: number;
  readonly [bound: string]: unknown;
}

interface Rule {
  readonly rule: string;
  readonly message: string;
}

/** What a schema cannot say, in CEL, by the path of the object: `checkRoute` says the same. */
const rules: Readonly<Record<string, readonly Rule[]>> = {
  spec: [
    {
      rule: 'self.backends.all(b, has(b.weight)) || self.backends.all(b, !has(b.weight))',
      message: 'give every backend a weight or none',
    },
    {
      rule: '!self.backends.exists(b, has(b.weight)) || self.backends.map(b, has(b.weight) ? b.weight : 0).sum() == 10000',
      message: 'weights must sum to 10000',
    },
    {
      rule: 'self.backends.map(b, b.minShare).sum() <= 1.000000001',
      message: 'minShare must sum to at most 1',
    },
    {
      rule: 'has(self.backendsFrom) || self.backends.map(b, b.maxShare).sum() >= 0.999999999',
      message: 'maxShare must sum to at least 1',
    },
    {
      rule: 'has(self.backendsFrom) || self.backends.size() > 0',
      message: 'name at least one backend, or backendsFrom',
    },
    {
      rule: '!has(self.backendsFrom) || self.backends.all(b, !has(b.weight))',
      message: 'with backendsFrom no backend can have a weight beforehand',
    },
    {
      rule: "self.backends.all(b, b.cluster == '' || self.backends.exists_one(c, c.cluster == b.cluster))",
      message: 'each backend must have a cluster of its own',
    },
  ],
  'spec.backends[]': [{ rule: 'self.minShare <= self.maxShare', message: 'minShare must be at most maxShare' }],
  'spec.backendsFrom': [
    { rule: 'has(self.label) != has(self.destinationRule)', message: 'name one of label and destinationRule' },
  ],
  'spec.backends[].scale': [
    { rule: 'self.minReplicas <= self.maxReplicas', message: 'minReplicas must be at most maxReplicas' },
  ],
  'spec.guard.freezes[]': [
    { rule: 'timestamp(self.from) < timestamp(self.to)', message: 'to must be later than from' },
  ],
  'spec.trial': [
    {
      rule: 'self.stages.isSorted() && self.stages.all(s, self.stages.exists_one(t, t == s))',
      message: 'each stage must be above the one before',
    },
  ],
};

/** Keys that only Kubernetes knows, by the path of the field. */
const extras: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'spec.backends': { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
  'spec.guard.freezes[].from': { format: 'date-time' },
  'spec.guard.freezes[].to': { format: 'date-time' },
};

const column = (name: string, jsonPath: string, description: string, type = 'string') => ({
  ...{ name, type, jsonPath, description },
});
const condition = (type: string) => `.status.conditions[?(@.type=="${type}")]`;

/** The same as YAML. */
export function crdText(): string {
  return `# Made by \`npm run emit\` from controller/routes/route.ts.\n${stringify(routeCrd(), { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** The object to install before the first route. Plain data. */
export function routeCrd(): object {
  const { properties = {} } = routeSchema() as Shape;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        ...{ kind: 'AdaptiveRoute', listKind: 'AdaptiveRouteList', plural: PLURAL, singular: 'adaptiveroute' },
        shortNames: ['aroute'],
        categories: ['weir'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            column('Host', '.spec.host', 'Host that callers address.'),
            column('Mode', '.spec.mode', 'observe, recommend or enforce.'),
            column('Accepted', `${condition('Accepted')}.status`, 'Whether Weir can work with it.'),
            column('Steering', `${condition('Steering')}.reason`, 'What Weir does with it now.'),
            column('Weights', '.status.weights', 'Weights in force, by caller group.'),
            column('Verdict', '.status.lastVerdict.verdict', 'How the last trial ended.'),
            { ...column('Table', '.status.table', 'Table in force, epoch.number.'), priority: 1 },
            {
              ...column('Published', `${condition('Published')}.reason`, 'What became of its manifests.'),
              priority: 1,
            },
            { ...column('Why', `${condition('Accepted')}.message`, 'What is wrong with it.'), priority: 1 },
            column('Age', '.metadata.creationTimestamp', 'Since it was made.', 'date'),
          ],
          schema: {
            openAPIV3Schema: {
              description: 'What the owner of a service asks of Weir.',
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(properties.spec ?? {}, 'spec'),
                status,
              },
            },
          },
        },
      ],
    },
  };
}

function structural(shape: Shape, path: string): Shape {
  const {
    anyOf,
    properties,
    patternProperties,
    items,
    required,
    exclusiveMinimum,
    additionalProperties: _,
    ...rest
  } = shape;
  const { const: word, ...plain } = rest;
  const validations = rules[path] && { 'x-kubernetes-validations': rules[path] };
  const known = { ...plain, ...extras[path], ...validations };
  if (anyOf) return { ...known, type: 'string', enum: anyOf.map((option) => option.const) };
  if (word !== undefined) return { ...known, type: 'string', enum: [word] };
  if (properties) {
    const entries = Object.entries(properties).map(([key, value]) => [key, structural(value, `${path}.${key}`)]);
    const needed = required && required.length > 0 ? { required } : {};
    const whole = 'default' in known ? { default: wholeDefault(shape) } : {};
    return { ...known, ...whole, ...needed, properties: Object.fromEntries(entries) };
  }
  const [anyValue] = Object.values(patternProperties ?? {});
  if (anyValue) return { ...known, additionalProperties: structural(anyValue, `${path}.*`) };
  if (items) return { ...known, items: structural(items, `${path}[]`) };
  return exclusiveMinimum === undefined ? known : aboveOnly(known, exclusiveMinimum);
}

/** A default is checked against the rules before the defaults inside it are filled in, so they have to be in it. */
function wholeDefault({ default: own, properties = {} }: Shape): unknown {
  if (own === undefined || Object.keys(properties).length === 0) return own;
  const inside = Object.entries(properties).map(([key, value]) => [key, wholeDefault(value)] as const);
  return { ...Object.fromEntries(inside.filter(([, value]) => value !== undefined)), ...(own as object) };
}

/** In OpenAPI 3.0, which Kubernetes speaks, that a bound is exclusive is a flag. */
function aboveOnly(shape: Shape, bound: number): Shape {
  const flagged: Readonly<Record<string, unknown>> = { ...shape, minimum: bound, exclusiveMinimum: true };
  return flagged as Shape;
}

const text = (description: string) => ({ type: 'string', description });
const number = (description: string) => ({ type: 'number', description });
const weights = (description: string) => ({ type: 'object', description, additionalProperties: { type: 'integer' } });
const hold = (description: string) => ({
  ...{ type: 'object', description },
  properties: { by: text('Who.'), why: text('Why.'), since: { type: 'string', format: 'date-time' } },
});

/** What `intake/status.ts` writes. */
const status = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64', description: 'Generation of the spec that this is about.' },
    table: text('Table in force, epoch.number.'),
    weights: text('Weights in force, by caller group.'),
    frozen: hold('Who froze it; windows of its own are in its spec.'),
    groups: {
      type: 'array',
      description: 'Caller groups, each with weights of its own.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: text('Zone of the callers; * for those of no zone that has its own.'),
          weights: weights('Out of 10,000, by backend.'),
          relieved: { type: 'array', description: 'Backends held down for a fault.', items: { type: 'string' } },
          pinned: hold('Who pinned these weights.'),
          stable: weights('Weights once nothing is held down, out of 10,000, by backend.'),
          reliefs: {
            type: 'array',
            description: 'What the next controller goes on with where a backend is held down.',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['backend'],
            items: {
              type: 'object',
              required: ['backend'],
              properties: {
                backend: { type: 'string' },
                fault: { type: 'string', enum: ['errors', 'slowness'] },
                share: number('Share that it gets at most, 0 to 1.'),
                badRatio: number('Share of its calls that failed or were slow.'),
                failedClimbs: { type: 'integer', description: 'How often it turned bad again on its way back.' },
                usual: {
                  type: 'object',
                  description: 'What its calls are compared with.',
                  properties: {
                    attempts: { type: 'number' },
                    errorRatio: { type: 'number' },
                    errorBound: { type: 'number' },
                    slowBound: { type: 'number' },
                    slowAboveMs: { type: 'number' },
                    lossMs: { type: 'number' },
                  },
                },
              },
            },
          },
          trial: {
            type: 'object',
            description: 'The trial that runs.',
            properties: {
              id: { type: 'integer' },
              stage: { type: 'integer' },
              stages: { type: 'integer' },
              share: number('Share of requests that try it, 0 to 1.'),
              to: weights('Weights that are tried, out of 10,000, by backend.'),
            },
          },
        },
      },
    },
    lastVerdict: {
      type: 'object',
      properties: {
        verdict: { type: 'string', enum: ['kept', 'reverted', 'aborted'] },
        group: text('Caller group that it was about.'),
        at: { type: 'string', format: 'date-time' },
        why: text('What was measured, in one sentence.'),
      },
    },
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
        properties: {
          type: { type: 'string' },
          status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
          observedGeneration: { type: 'integer', format: 'int64' },
          lastTransitionTime: { type: 'string', format: 'date-time' },
          reason: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
} as const;
