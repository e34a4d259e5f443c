/** Builds what the suites of this room need and is not there yet, before the first of them: a suite has minutes, a build may take ten. */
import { findPrograms } from './programs.ts';

try {
  await findPrograms((line) => process.stdout.write(`${line}\n`));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
