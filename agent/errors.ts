/** What can go wrong in an agent, by name. Messages say what happened, to what, and what was expected. */

/** A message of a filter that is not what agent/wire/layout.ts draws. Refused whole; nothing of it counts. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
  readonly code = 'WEIR_AGENT_BAD_FRAME';
}

/** An HTTP request that the intake does not take. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
  readonly code = 'WEIR_AGENT_BAD_REQUEST';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A wrong environment variable: one sentence that names it, what was given and what is allowed. */
export class BadConfig extends Error {
  override readonly name = 'BadConfig';
  readonly code = 'WEIR_AGENT_BAD_CONFIG';
}

/** A file of the state directory that is not what was written there. It is ignored, with a warning. */
export class BadState extends Error {
  override readonly name = 'BadState';
  readonly code = 'WEIR_AGENT_BAD_STATE';
}
