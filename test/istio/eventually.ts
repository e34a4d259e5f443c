/** Waiting for real programs that are asked over the network: what they answer is looked at again and again. */

const WITHIN_MS = 60_000;
const POLL_MS = 50;

/**
 * Resolves when the condition holds; a question that fails is asked again.
 * @param what ends the sentence "waited in vain for ..."
 * @throws Error with the last failure after a minute; generous, since a loaded machine must not fail a test
 */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS;
  let last: unknown = 'it never came';
  for (;;) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${what}: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
