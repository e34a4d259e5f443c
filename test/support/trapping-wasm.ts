/**
 * The filter that ships, with one callback made to trap: the body of its function becomes the instruction `unreachable`. The
 * module keeps every length and every section, so nothing else of it changes.
 */

const EXPORT_SECTION = 7;
const IMPORT_SECTION = 2;
const CODE_SECTION = 10;
const FUNCTION_KIND = 0;
const UNREACHABLE = 0x00;
const NOP = 0x01;
const END = 0x0b;

/** Reads a module's numbers (LEB128) and names one after the other. */
class Reader {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  name(): string {
    const length = this.number();
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString('utf8');
  }
}

/** @param callback export whose function traps as soon as it is called */
export function trapping(module: Uint8Array, callback: string): Uint8Array {
  const bytes = Uint8Array.from(module);
  const sections = sectionsOf(bytes);
  const imported = functionImports(new Reader(bytes, sections.get(IMPORT_SECTION) ?? 0));
  const index = exportedFunction(new Reader(bytes, sections.get(EXPORT_SECTION) ?? 0), callback) - imported;
  const code = new Reader(bytes, sections.get(CODE_SECTION) ?? 0);
  code.number();
  for (let i = 0; i < index; i++) {
    const length = code.number();
    code.at += length;
  }
  const length = code.number();
  const end = code.at + length;
  for (let groups = code.number(); groups > 0; groups--) {
    code.number();
    code.byte();
  }
  bytes.fill(NOP, code.at, end - 1);
  bytes[code.at] = UNREACHABLE;
  bytes[end - 1] = END;
  return bytes;
}

/** Where the contents of each section begin. */
function sectionsOf(bytes: Uint8Array): Map<number, number> {
  const sections = new Map<number, number>();
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const length = reader.number();
    sections.set(id, reader.at);
    reader.at += length;
  }
  return sections;
}

/** The filter imports functions alone; their numbers come before those of its own. */
function functionImports(reader: Reader): number {
  const count = reader.number();
  for (let i = 0; i < count; i++) {
    const name = `${reader.name()}.${reader.name()}`;
    if (reader.byte() !== FUNCTION_KIND) throw new Error(`${name} is imported and no function`);
    reader.number();
  }
  return count;
}

function exportedFunction(reader: Reader, wanted: string): number {
  for (let left = reader.number(); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.number();
    if (name === wanted && kind === FUNCTION_KIND) return index;
  }
  throw new Error(`the module exports no function ${wanted}`);
}
