/** JSON Schemas as an editor wants them: what has a default need not be written. */
import type { TSchema } from 'typebox';
import { AdaptiveRoute } from './route.ts';

interface Schema {
  readonly [key: string]: unknown;
}

export function routeSchema(): Schema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schemaForWriters(AdaptiveRoute) };
}

/** A checked document has its defaults filled in, so the schema we check with requires them; a writer need not. */
export function schemaForWriters(schema: TSchema): Schema {
  return withoutRequiredDefaults(JSON.parse(JSON.stringify(schema)) as Schema);
}

function withoutRequiredDefaults(schema: Schema): Schema {
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
