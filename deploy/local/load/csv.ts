/** Rates from one column of a CSV file, or from a file with one number a line; gzipped or not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { nearest } from '../../../controller/routes/nearest.ts';
import type { RateFile } from '../scenario/load-schema.ts';

/** The file cannot serve. `field`: the key of the scenario that is to blame; `message` goes after it. */
export class BadRates extends Error {
  override readonly name = 'BadRates';
  readonly code = 'WEIR_BAD_RATES';
  readonly field: 'path' | 'column';

  constructor(field: 'path' | 'column', message: string) {
    super(message);
    this.field = field;
  }
}

/**
 * The values of the column, in the file's own unit.
 * @param folders that `file.path` may be relative to; the first that has it serves
 * @throws BadRates
 */
export function readRates(file: RateFile, folders: readonly string[]): number[] {
  const candidates = [...new Set(folders.map((folder) => resolve(folder, file.path)))];
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    const near = candidates.map(sibling).find((name) => name !== undefined);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new BadRates('path', `is ${file.path}, which does not exist (looked for ${candidates.join(' and ')})${hint}`);
  }
  let text: string;
  try {
    const bytes = readFileSync(path);
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    text = (isGzip ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (cause) {
    throw new BadRates('path', `is ${file.path}, which cannot be read: ${(cause as Error).message}`);
  }
  return parseRates(text, file.column, basename(path));
}

/**
 * A first line whose wanted field is no number is a header.
 * @param column name or number from 0; undefined: the last
 * @throws BadRates
 */
export function parseRates(text: string, column: string | number | undefined, name: string): number[] {
  const rows = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, i) => ({ line: i + 1, text: line }))
    .filter((row) => row.text.trim() !== '' && !row.text.startsWith('#'))
    .map((row) => ({ line: row.line, fields: fieldsOf(row.text) }));
  const header = rows[0]?.fields ?? [];
  const index = typeof column === 'string' ? header.indexOf(column) : (column ?? header.length - 1);
  if (index < 0 || (header.length > 0 && index >= header.length))
    throw new BadRates('column', noColumn(column, header, name));
  const hasHeader = typeof column === 'string' || !isRate(header[index]);
  const values = rows.slice(hasHeader ? 1 : 0).map(({ line, fields }) => {
    const field = fields[index];
    if (isRate(field)) return Number(field);
    const given =
      field === undefined
        ? `has ${fields.length} field${fields.length === 1 ? '' : 's'}`
        : `has ${JSON.stringify(field)}`;
    throw new BadRates(
      'path',
      `is ${name}, whose line ${line} ${given} where column ${column ?? index} must be a number from 0 up`,
    );
  });
  if (values.length === 0) throw new BadRates('path', `is ${name}, which has no row`);
  return values;
}

function noColumn(column: string | number | undefined, header: readonly string[], name: string): string {
  if (header.length === 0) return `cannot be found: ${name} is empty`;
  if (typeof column === 'number') return `is ${column}; ${name} has columns 0 to ${header.length - 1}`;
  const near = nearest(column ?? '', header);
  const has = header.some((field) => !isRate(field))
    ? `it has ${header.join(', ')}`
    : 'it has no header line, give a number';
  return `is ${JSON.stringify(column)}, no column of ${name}; ${near ? `did you mean ${near}?` : has}`;
}

/** A file of the folder with nearly the same name. */
function sibling(path: string): string | undefined {
  try {
    return nearest(basename(path), readdirSync(dirname(path)));
  } catch {
    return undefined;
  }
}

/** Quoted fields may hold commas; a doubled quote stands for one. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? (plain ?? '').trim(),
  );
}

function isRate(field: string | undefined): boolean {
  return field !== undefined && field !== '' && Number.isFinite(Number(field)) && Number(field) >= 0;
}
