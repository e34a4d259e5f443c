/** The compiled filter that this release was built with: what proxies fetch, and the digest by which they know it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from './release.ts';

export interface FilterModule {
  readonly bytes: Buffer;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Path at which the API serves it. The digest is in it, so one path is one module for ever. */
export function filterPath({ sha256 }: Pick<FilterModule, 'sha256'>): string {
  return `/v1/filter/${sha256}.wasm`;
}

/** Where this release has it, once it is built. */
export function filterFile(): string {
  return join(packageFolder() ?? '.', 'filter', 'build', 'weir.wasm');
}

/** Undefined where it was not built. */
export function readFilter(): FilterModule | undefined {
  try {
    const bytes = readFileSync(filterFile());
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
