/**
 * Text to routes: YAML documents, each an AdaptiveRoute, checked against the schema with every default filled in, then
 * against what a schema cannot say. Every wrong field of every document is named in one go, so that an owner corrects a
 * file once and not field by field.
 */
import { Default } from 'typebox/value';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { policies } from '../decide/registry.ts';
import { checkRoute, checkTogether } from './check.ts';
import { withClusters } from './clusters.ts';
import { explain, type Problem } from './explain.ts';
import { AdaptiveRoute } from './route.ts';

export const KNOWN_POLICIES: readonly string[] = policies.map((policy) => policy.name);

export class RouteError extends Error {
  override readonly name = 'RouteError';
  readonly code = 'WEIR_CONTROLLER_BAD_ROUTE';
  /** One sentence per wrong field: file, line, document, path, what was given, what is allowed. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export interface RouteText {
  readonly text: string;
  /** File name, for messages. */
  readonly name: string;
}

/** A route and how to say where one of its fields stands. */
interface Placed {
  readonly route: AdaptiveRoute;
  readonly place: (problem: Problem) => string;
}

/**
 * Routes of one text. `known`: policies that they may name.
 * @throws RouteError that names every wrong field
 */
export function parseRoutes(
  text: string,
  name: string,
  known: readonly string[] = KNOWN_POLICIES,
): readonly AdaptiveRoute[] {
  return parseAll([{ text, name }], known);
}

/**
 * Routes of several texts that are in force together.
 * @throws RouteError that names every wrong field
 */
export function parseAll(
  texts: readonly RouteText[],
  known: readonly string[] = KNOWN_POLICIES,
): readonly AdaptiveRoute[] {
  const problems: string[] = [];
  const placed = texts.flatMap((text) => readText(text, known, problems));
  for (const { route, owner, problem } of checkTogether(placed.map((each) => each.route))) {
    const sentence = placed[route]?.place(problem);
    const first = placed[owner]?.route.metadata;
    problems.push(`${sentence} (first in ${first?.namespace}/${first?.name})`);
  }
  if (problems.length > 0) throw new RouteError(problems);
  return placed.map((each) => each.route);
}

function readText({ text, name }: RouteText, known: readonly string[], problems: string[]): Placed[] {
  const lines = new LineCounter();
  const placed: Placed[] = [];
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  for (const [index, document] of (Array.isArray(documents) ? documents : []).entries()) {
    const broken = document.errors[0];
    if (broken) {
      problems.push(`${name}:${lines.linePos(broken.pos[0]).line}: the document is not YAML: ${broken.message}`);
      continue;
    }
    const given = toPlain(document);
    if (given === null || given === undefined) continue;
    const place = (problem: Problem) =>
      `${name}:${lineOf(document, problem.path, lines)}: ${titleOf(given, index)}: ${problem.message}`;
    const { route, problems: wrong } = readRoute(given, known);
    problems.push(...wrong.map(place));
    if (route) placed.push({ route, place });
  }
  return placed;
}

/** One document as plain data: the route with every default filled in, unless its shape is wrong; and all that is wrong with it. */
export function readRoute(
  given: unknown,
  known: readonly string[] = KNOWN_POLICIES,
): { readonly route?: AdaptiveRoute; readonly problems: readonly Problem[] } {
  const filled = Default(AdaptiveRoute, given);
  const wrong = explain(AdaptiveRoute, filled);
  if (wrong.length > 0) return { problems: wrong };
  const route = withClusters(filled as AdaptiveRoute);
  return { route, problems: checkRoute(route, known) };
}

/** Plain data, or the sentence's subject where aliases lead nowhere: an unresolved alias is caught as a wrong root. */
function toPlain(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    return `an unreadable document (${(error as Error).message})`;
  }
}

/** `AdaptiveRoute demo/search`, or `document 2` while it does not say who it is. */
function titleOf(given: unknown, index: number): string {
  const metadata = (given as { metadata?: { name?: unknown; namespace?: unknown } } | null)?.metadata;
  if (typeof metadata?.name !== 'string') return `document ${index + 1}`;
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  return `AdaptiveRoute ${namespace}/${metadata.name}`;
}

/** Line of the field, or of the nearest thing around it that was written. */
function lineOf(document: Document, path: readonly string[], lines: LineCounter): number {
  for (let length = path.length; length >= 0; length--) {
    const keys = path.slice(0, length).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    const node = length === 0 ? document.contents : document.getIn(keys, true);
    const range = (node as { range?: readonly number[] } | null | undefined)?.range;
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
  }
  return 1;
}
