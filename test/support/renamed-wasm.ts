/**
 * The filter that ships, with names by which it asks the host for something put out of use: its own way around a host that
 * lacks it has to do. AssemblyScript keeps texts in UTF-16, so a path with zeros and an expression with dots are told apart.
 */

/** @param names texts of the module, each of which loses its last letter to an `X` */
export function withoutNames(module: Uint8Array, names: readonly string[]): Uint8Array {
  const bytes = Buffer.from(module);
  for (const name of names) {
    const text = Buffer.from(name, 'utf16le');
    const at = bytes.indexOf(text);
    if (at < 0 || bytes.indexOf(text, at + 1) >= 0) throw new Error(`'${name}' is not once in the module`);
    bytes.write('X', at + text.length - 2, 'utf16le');
  }
  return bytes;
}
