/** JSON Schema of AdaptiveRoute as an editor wants it: what has a default need not be written. */
import { AdaptiveRoute } from './route.ts';

interface Schema {
  readonly [key: string]: unknown;
}

export function routeSchema(): Schema {
  const plain = JSON.parse(JSON.stringify(AdaptiveRoute)) as Schema;
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...withoutRequiredDefaults(plain) };
}

/** A checked document has its defaults filled in, so the schema we check with requires them; a writer need not. */
export function withoutRequiredDefaults(schema: Schema): Schema {
  const entries = Object.entries(schema).map(([key, value]) => [key, relax(value)] as const);
  const relaxed: Record<string, unknown> = Object.fromEntries(entries);
  const { required, properties } = schema;
  if (Array.isArray(required) && isSchema(properties)) {
    relaxed.required = required.filter((name) => !isSchema(properties[name]) || !('default' in properties[name]));
  }
  return relaxed;
}

function relax(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relax);
  return isSchema(value) ? withoutRequiredDefaults(value) : value;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
