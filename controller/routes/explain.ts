/**
 * Why a document does not fit its schema, in sentences an owner can act on: the path of the field, what was given, what
 * is allowed. A schema library's own words ("must match a schema in anyOf") name neither, so the library finds what is
 * wrong and the sentence is made here from the schema itself.
 */
import type { TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import { Errors } from 'typebox/value';
import { nearest } from './nearest.ts';

const MAX_ERRORS = 1_000;

export interface Problem {
  /** Where in the document: keys and indices from the root. */
  readonly path: readonly string[];
  /** `spec.port is 99999; it must be an integer from 1 to 65535` */
  readonly message: string;
}

/** The part of JSON Schema that our documents are written in. */
interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** @returns one problem per wrong field, misspelt keys first; empty when `value` fits */
export function explain(schema: TSchema, value: unknown): readonly Problem[] {
  const found = new Map<string, Problem>();
  // A misspelt key is one mistake, though the right one is then missing too.
  const meant = new Set<string>();
  const add = (path: readonly string[], message: string) => {
    const key = path.join('\0');
    if (!found.has(key)) found.set(key, { path, message });
  };
  const errors = allErrors(schema, value);
  for (const error of errors) {
    if (error.keyword !== 'additionalProperties') continue;
    const path = pathOf(error.instancePath);
    const known = Object.keys(shapeAt(schema as Shape, path)?.properties ?? {});
    for (const key of listOf(error.params, 'additionalProperties')) {
      add([...path, key], unknownKey([...path, key], known));
      meant.add([...path, nearest(key, known) ?? ''].join('\0'));
    }
  }
  for (const error of errors) {
    const path = pathOf(error.instancePath);
    if (error.keyword === 'required') {
      for (const key of listOf(error.params, 'requiredProperties')) {
        const missing = [...path, key];
        if (meant.has(missing.join('\0'))) continue;
        add(missing, `${dotted(missing)} is missing; it must be ${allowed(shapeAt(schema as Shape, missing))}`);
      }
    } else if (error.keyword !== 'boolean' && error.keyword !== 'additionalProperties') {
      const given = shown(valueAt(value, path));
      add(path, `${dotted(path)} is ${given}; it must be ${allowed(shapeAt(schema as Shape, path))}`);
    }
  }
  return [...found.values()];
}

/** The checker stops at 8 errors unless told otherwise, and one wrong field can make three. */
function allErrors(schema: TSchema, value: unknown): ReturnType<typeof Errors> {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_ERRORS });
  try {
    return Errors(schema, value);
  } finally {
    Settings.Set({ maxErrors });
  }
}

/** `spec.backends[2].name`; the root is `the document`. */
export function dotted(path: readonly string[]): string {
  if (path.length === 0) return 'the document';
  return path.map((key, index) => (/^\d+$/.test(key) ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

/** `x is not known; did you mean y?`, or the list of what is known where nothing is near. */
export function unknownKey(path: readonly string[], known: readonly string[]): string {
  const guess = nearest(path.at(-1) ?? '', known);
  return `${dotted(path)} is not known; ${guess ? `did you mean ${guess}?` : `allowed here: ${known.join(', ')}`}`;
}

/** What a reader sees of a value that was given: short, and on one line. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function allowed(shape: Shape | undefined): string {
  if (!shape) return 'what the schema says';
  if (shape.anyOf) return oneOf(shape.anyOf.map(allowed));
  if ('const' in shape) return String(shape.const);
  if (shape.type === 'object') return 'a map';
  if (shape.type === 'array') return `a list${between(shape.minItems, shape.maxItems, ' items')}`;
  if (shape.type === 'string') {
    const length = between(shape.minLength, shape.maxLength, ' characters');
    return `a text${length}${shape.pattern ? ` that matches ${shape.pattern}` : ''}`;
  }
  if (shape.type === 'integer' || shape.type === 'number') {
    return `${shape.type === 'integer' ? 'an integer' : 'a number'}${range(shape)}`;
  }
  return shape.type === 'boolean' ? 'true or false' : (shape.type ?? 'what the schema says');
}

function range(shape: Shape): string {
  if (shape.exclusiveMinimum !== undefined) {
    return ` above ${shape.exclusiveMinimum}${shape.maximum === undefined ? '' : ` and up to ${shape.maximum}`}`;
  }
  if (shape.exclusiveMaximum !== undefined) {
    return ` ${shape.minimum === undefined ? '' : `from ${shape.minimum} and `}below ${shape.exclusiveMaximum}`;
  }
  return between(shape.minimum, shape.maximum, '');
}

function between(least: number | undefined, most: number | undefined, unit: string): string {
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}${unit}`;
  if (least !== undefined) return ` of at least ${least}${unit}`;
  return most === undefined ? '' : ` of at most ${most}${unit}`;
}

function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function shapeAt(root: Shape, path: readonly string[]): Shape | undefined {
  let shape: Shape | undefined = root;
  for (const key of path) {
    const inside: Shape | undefined = shape?.anyOf?.find((option) => option.type === 'object') ?? shape;
    shape = inside?.properties?.[key] ?? (inside?.type === 'array' ? inside.items : undefined) ?? anyPattern(inside);
  }
  return shape;
}

function anyPattern(shape: Shape | undefined): Shape | undefined {
  return shape?.patternProperties ? Object.values(shape.patternProperties)[0] : undefined;
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], root);
}

function pathOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function listOf(params: unknown, name: string): readonly string[] {
  const list = (params as Record<string, unknown>)[name];
  return Array.isArray(list) ? list.map(String) : [];
}
