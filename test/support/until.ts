/** Waiting for real processes: for a condition, never for a time. */

const POLL_MS = 5;

/**
 * Resolves when the condition holds.
 * @param what ends the sentence "waited in vain for ..."
 * @throws Error after `withinMs`; generous, since a loaded machine must not fail a test
 */
export async function until(what: string, holds: () => boolean, withinMs = 15_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
