/** What is wrong with a scenario beyond its shapes, said in the same form as the schema's own messages. */
import { dotted, type Problem, shown } from '../../../controller/routes/explain.ts';
import { nearest } from '../../../controller/routes/nearest.ts';

/** Keys and indices from the root of the file. */
export type Path = readonly (string | number)[];

/** `services[1].backends[0].zone` and then `text`. */
export function problem(path: Path, text: string): Problem {
  const keys = path.map(String);
  return { path: keys, message: `${dotted(keys)} ${text}` };
}

/** A name that stands for nothing, with the nearest that stands for something; empty when it is known. */
export function unknown(path: Path, given: string, known: readonly string[], kind: string): Problem[] {
  if (known.includes(given)) return [];
  const near = nearest(given, known);
  const hint = near ? `did you mean ${near}?` : `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return [problem(path, `is ${shown(given)}, no ${kind} of this scenario; ${hint}`)];
}

/** Names that are there more than once. @param key of each item that holds the name, if items are no plain names */
export function twice(path: Path, names: readonly string[], key?: string): Problem[] {
  return names.flatMap((name, i) =>
    names.indexOf(name) === i
      ? []
      : [problem([...path, i, ...(key === undefined ? [] : [key])], `is ${shown(name)} for the second time`)],
  );
}

/** Two different zones that exist. */
export function checkPair(zones: readonly string[], between: readonly string[], path: Path): Problem[] {
  const isSame = between[0] === between[1];
  return [
    ...(isSame ? [problem(path, `names ${between[0]} twice; a wire lies between two zones`)] : []),
    ...between.flatMap((zone, i) => unknown([...path, i], zone, zones, 'zone')),
  ];
}
