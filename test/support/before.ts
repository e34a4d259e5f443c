/** What is opened before the tests of a suite. uvu counts a hook that throws as failed tests and does not say why, so that is said here. */
import type { Test } from 'uvu';

export function before<Context>(test: Test<Context>, open: (context: Context) => Promise<void>): void {
  test.before(async (context) => {
    try {
      await open(context);
    } catch (error) {
      process.stderr.write(`before the tests: ${(error as Error).stack}\n`);
      throw error;
    }
  });
}
