/** The Envoy of suites that run real ones: found as the demo finds it, once for each process. */
import { findEnvoy } from '../../deploy/local/envoy/find.ts';

const FOUND_WITHIN_MS = 240_000;
let found: Promise<string> | undefined;

/** @returns its path @throws NoEnvoy with what to do */
export function envoyPath(): Promise<string> {
  found ??= findEnvoy({
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    say: (line) => process.stderr.write(`${line}\n`),
    signal: AbortSignal.timeout(FOUND_WITHIN_MS),
  }).then(({ path }) => path);
  return found;
}
