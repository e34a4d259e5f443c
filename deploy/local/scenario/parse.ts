/**
 * From the text of a scenario file to a scenario that can be believed, or one error with a sentence for each thing wrong.
 * The first pass looks at shapes (schema.ts), the second at what belongs together (check.ts); the second runs only on a
 * file whose shapes are right.
 */
import Value from 'typebox/value';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { explain, type Problem } from '../../../controller/routes/explain.ts';
import { checkScenario } from './check.ts';
import { Scenario } from './schema.ts';

/** A scenario that cannot be run. */
export class BadScenario extends Error {
  override readonly name = 'BadScenario';
  readonly code = 'WEIR_BAD_SCENARIO';
  /** One sentence for each thing wrong, without the file's name and line, which `message` has. */
  readonly messages: readonly string[];

  /** @param line finds the line of a problem in the file, if there is one */
  constructor(file: string, problems: readonly Problem[], line?: (problem: Problem) => number) {
    super(problems.map((each) => `${file}${line ? `:${line(each)}` : ''}: ${each.message}`).join('\n'));
    this.messages = problems.map(({ message }) => message);
  }
}

/** A scenario and the way back from a problem with it to a line of its file. */
export interface ParsedScenario {
  readonly scenario: Scenario;
  readonly lineOf: (problem: Problem) => number;
}

/**
 * @param name of the file, for messages
 * @throws BadScenario
 */
export function parseScenario(text: string, name: string): Scenario {
  return parseWithLines(text, name).scenario;
}

/** @throws BadScenario */
export function parseWithLines(text: string, name: string): ParsedScenario {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (problem: Problem) => findLine(document, problem.path, lines);
  const broken = document.errors[0];
  if (broken) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new BadScenario(name, [{ path: [], message: `the file is not YAML: ${broken.message}` }], () => line);
  }
  const given = toPlain(document, name);
  const filled: unknown = Value.Default(Scenario, given);
  const problems = explain(Scenario, filled).map(withFileForRoot);
  if (problems.length > 0) throw new BadScenario(name, problems, lineOf);
  const scenario = filled as Scenario;
  const further = checkScenario(scenario);
  if (further.length > 0) throw new BadScenario(name, further, lineOf);
  return { scenario, lineOf };
}

function toPlain(document: Document, name: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    // An alias without its anchor, or a bomb of aliases.
    throw new BadScenario(name, [{ path: [], message: `the file cannot be read: ${(cause as Error).message}` }]);
  }
}

function withFileForRoot(problem: Problem): Problem {
  return problem.path.length > 0
    ? problem
    : { ...problem, message: problem.message.replace(/^the document/, 'the file') };
}

/** Line of the field, or of the nearest thing around it that was written. */
function findLine(document: Document, path: readonly string[], lines: LineCounter): number {
  for (let length = path.length; length > 0; length -= 1) {
    const keys = path.slice(0, length).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    const range = (document.getIn(keys, true) as { range?: readonly number[] } | null | undefined)?.range;
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
  }
  return 1;
}
