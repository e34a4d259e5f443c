/**
 * What is written from the schema: scenario.schema.json, as editors want it (a key with a default need not be written), and the
 * tables of fields in SCENARIO.md. Run this file (compiled) to write both anew; a test says when that is due, as after a change of AdaptiveRoute.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { schemaForWriters } from '../../../controller/routes/schema.ts';
import { packageRoot } from '../root.ts';
import { Load, Phase, RateFile } from './load-schema.ts';
import { Change, Event, Node, Scenario, Wire } from './schema.ts';
import { Backend, Call, RouteShort, Service, ServiceTime } from './service-schema.ts';

export const schemaPath = join(packageRoot, 'deploy', 'local', 'scenario.schema.json');
export const pagePath = join(packageRoot, 'deploy', 'local', 'SCENARIO.md');

/** Objects that have a table on the page, by the name in its marks. */
const objects = {
  Scenario,
  Wire,
  Node,
  Service,
  Backend,
  ServiceTime,
  Call,
  Route: RouteShort,
  Load,
  Phase,
  RateFile,
  Event,
  Change,
};

/** The part of JSON Schema that scenarios are written in. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly anyOf?: readonly Shape[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

/** The text that belongs into `schemaPath`, but for its layout. */
export function scenarioSchema(): string {
  return `${JSON.stringify(schemaForWriters(Scenario), null, 2)}\n`;
}

/** The page with every table between `<!-- fields of NAME -->` and `<!-- end -->` written anew. @throws Error when one has no place */
export function scenarioPage(page: string): string {
  return Object.entries(objects).reduce((text, [name, schema]) => {
    const pattern = new RegExp(`(<!-- fields of ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
    if (!pattern.test(text)) throw new Error(`SCENARIO.md has no place for the fields of ${name}`);
    return text.replace(pattern, (_, start: string, end: string) => `${start}${tableOf(schema as Shape)}\n${end}`);
  }, page);
}

function tableOf({ properties = {}, required = [] }: Shape): string {
  const rows = Object.entries(properties).map(([key, shape]) => {
    const fallback = shape.default === undefined ? (required.includes(key) ? 'required' : '–') : code(shape.default);
    return `| \`${key}\` | ${sayValue(shape)} | ${fallback} | ${(shape.description ?? '').replaceAll('|', '\\|')} |`;
  });
  return ['| field | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function sayValue(shape: Shape): string {
  if (shape.anyOf) return shape.anyOf.map(sayValue).join(' or ');
  if ('const' in shape) return code(shape.const);
  if (shape.type === 'integer' || shape.type === 'number')
    return `${shape.type === 'integer' ? 'integer' : 'number'}${sayRange(shape)}`;
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    boolean: 'true or false',
    array: 'list',
    object: 'map',
  };
  return names[shape.type ?? ''] ?? 'anything';
}

function sayRange({ minimum, maximum, exclusiveMinimum }: Shape): string {
  const from = exclusiveMinimum === undefined ? minimum : `above ${exclusiveMinimum}`;
  if (from === undefined) return '';
  if (maximum === undefined) return ` from ${from}`.replace('from above', 'above');
  return exclusiveMinimum === undefined ? ` ${from} to ${maximum}` : ` ${from}, to ${maximum}`;
}

const code = (value: unknown) => `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(schemaPath, scenarioSchema());
  writeFileSync(pagePath, scenarioPage(readFileSync(pagePath, 'utf8')));
  process.stdout.write(`wrote ${schemaPath} and the tables of ${pagePath}\n`);
}
