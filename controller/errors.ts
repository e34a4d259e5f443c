/**
 * What can go wrong in the controller, by name. Messages say what happened, to what, and what was expected. Codes with
 * UNKNOWN and BAD are the asker's mistake; the others say that the present state forbids it.
 */

/** A store that could not read or write. The controller counts it and goes on steering from memory. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code = 'WEIR_CONTROLLER_STORE';

  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}

export class UnknownService extends Error {
  override readonly name = 'UnknownService';
  readonly code = 'WEIR_CONTROLLER_UNKNOWN_SERVICE';

  constructor(service: string, known: readonly string[]) {
    super(`no AdaptiveRoute names the service ${service}; ${listOf('known services are', known)}`);
  }
}

export class UnknownGroup extends Error {
  override readonly name = 'UnknownGroup';
  readonly code = 'WEIR_CONTROLLER_UNKNOWN_GROUP';

  constructor(service: string, group: string, known: readonly string[]) {
    super(`${service} has no caller group ${group}; ${listOf('it has', known)}, and '*' means all of them`);
  }
}

export class UnknownBackend extends Error {
  override readonly name = 'UnknownBackend';
  readonly code = 'WEIR_CONTROLLER_UNKNOWN_BACKEND';

  constructor(service: string, backend: string, known: readonly string[]) {
    super(`${service} has no backend ${backend}; ${listOf('it has', known)}`);
  }
}

export class UnknownPolicy extends Error {
  override readonly name = 'UnknownPolicy';
  readonly code = 'WEIR_CONTROLLER_UNKNOWN_POLICY';

  constructor(policy: string, known: readonly string[]) {
    super(`policy ${policy} is not known; ${listOf('known are', known)}`);
  }
}

export class BadWeights extends Error {
  override readonly name = 'BadWeights';
  readonly code = 'WEIR_CONTROLLER_BAD_WEIGHTS';
}

/** A pin or revert on a service whose route says that Weir steers nothing. */
export class NotSteered extends Error {
  override readonly name = 'NotSteered';
  readonly code = 'WEIR_CONTROLLER_NOT_STEERED';
}

/** Nothing to undo: not frozen, not pinned, no earlier weights, or pinned by a person. */
export class NothingToUndo extends Error {
  override readonly name = 'NothingToUndo';
  readonly code = 'WEIR_CONTROLLER_NOTHING_TO_UNDO';
}

/** What is called is not known, which is another thing than that nothing is called. */
export class NotMeasured extends Error {
  override readonly name = 'NotMeasured';
  readonly code = 'WEIR_CONTROLLER_NOT_MEASURED';

  constructor(service: string, why: string) {
    super(`how much ${service} is called is not known: ${why}`);
  }
}

const LISTED = 20;

function listOf(head: string, names: readonly string[]): string {
  if (names.length === 0) return `${head} none`;
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${head} ${names.slice(0, LISTED).join(', ')}${more}`;
}
