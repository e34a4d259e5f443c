/**
 * Envoy's foreign functions `expr_create`, `expr_evaluate` and `expr_delete`, with a language as small as the filter needs: a
 * list of attributes, if the first is short enough. Read from `source/extensions/common/wasm/foreign.cc`: expressions belong to a root
 * context, which counts its tokens from 0; they are found by the root context of whoever calls, and go when it goes.
 */

const NOT_FOUND = 1;
const BAD_ARGUMENT = 2;
const INTERNAL_FAILURE = 10;
const TOKEN_BYTES = 4;
const SHAPE = /^size\(([\w.]+)\) < (\d+) \? \[([\w., ]+)\] : \[\]$/;

/** Reads an attribute by its path with zeros; undefined: there is none. */
type Read = (path: string) => string | Uint8Array | undefined;

interface Expression {
  readonly measured: string;
  readonly limit: number;
  readonly items: readonly string[];
}

export class PretendExpressions {
  /** Evaluations that gave a value, whatever became of it. */
  evaluated = 0;
  /** What becomes of a value on its way to the module. */
  garble: (value: Uint8Array) => Uint8Array = (value) => value;
  private readonly roots = new Map<number, Map<number, Expression>>();

  /** What the function returns, or the status with which it fails. */
  call(name: string, argument: Uint8Array, root: number, read: Read): Uint8Array | number {
    if (name === 'expr_create') return this.create(Buffer.from(argument).toString('latin1'), root);
    if (name !== 'expr_evaluate' && name !== 'expr_delete') return NOT_FOUND;
    if (argument.length !== TOKEN_BYTES) return BAD_ARGUMENT;
    const token = Buffer.from(argument).readUInt32LE();
    if (name === 'expr_evaluate') return this.evaluate(this.roots.get(root)?.get(token), read);
    this.roots.get(root)?.delete(token);
    return new Uint8Array(0);
  }

  /** The root context goes, or its expressions do. */
  forget(root: number): void {
    this.roots.delete(root);
  }

  /** How many a root context has. */
  count(root: number): number {
    return this.roots.get(root)?.size ?? 0;
  }

  private create(text: string, root: number): Uint8Array | number {
    const [, measured, limit, items] = SHAPE.exec(text) ?? [];
    if (measured === undefined || items === undefined) return BAD_ARGUMENT;
    const expressions = this.roots.get(root) ?? new Map<number, Expression>();
    this.roots.set(root, expressions);
    const token = expressions.size;
    expressions.set(token, { measured, limit: Number(limit), items: items.split(', ') });
    return words(token);
  }

  /** A list with an attribute that is missing is an error, as in CEL. */
  private evaluate(expression: Expression | undefined, read: Read): Uint8Array | number {
    if (!expression) return NOT_FOUND;
    const attribute = (name: string) => read(name.replaceAll('.', '\0'));
    const measured = attribute(expression.measured);
    if (measured === undefined) return INTERNAL_FAILURE;
    const items = measured.length < expression.limit ? expression.items.map(attribute) : [];
    const present = items.filter((item) => item !== undefined);
    if (present.length < items.length) return INTERNAL_FAILURE;
    this.evaluated += 1;
    return this.garble(list(present.map((item) => (typeof item === 'string' ? Buffer.from(item, 'latin1') : item))));
  }
}

/** Envoy writes a list as it writes header maps: each item is the key of a pair whose value is empty. */
export function list(items: readonly Uint8Array[]): Buffer {
  const sizes = items.map((item) => words(item.length, 0));
  return Buffer.concat([words(items.length), ...sizes, ...items.flatMap((item) => [item, Buffer.alloc(2)])]);
}

function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [i, value] of numbers.entries()) bytes.writeUInt32LE(value, i * 4);
  return bytes;
}
