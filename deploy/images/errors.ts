/** What keeps an image from being built. `message` is one sentence that says what is wrong and what would be right. */
export class CannotBuild extends Error {
  override readonly name = 'CannotBuild';
  readonly code = 'WEIR_CANNOT_BUILD';
}

/** Of a tool that complains at length, what comes after these lines is where it was in its own code. */
const TELLING_LINES = 5;

/** What a command said when it failed, for the end of a sentence. */
export function oneLine(error: unknown): string {
  const lines = (error as Error).message.trim().split('\n');
  return lines.slice(0, TELLING_LINES).join(' ');
}
