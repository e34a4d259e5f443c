/** How a person overrules Weir: freeze, unfreeze, pin, unpin, revert. Each answers with the decisions that came of it. */
import type { FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import type { Access, Refusal } from '../access/access.ts';
import type { Decision } from '../decision.ts';
import { ApiError } from './errors.ts';
import type { TypedApi } from './read.ts';
import { Decisions, Failure, FreezeBody, GroupBody, PinBody, UnfreezeBody } from './schemas.ts';

/** Each returns the decisions it led to, or throws an error with a `code` and a sentence. */
export interface Changes {
  freeze(body: FreezeBody): readonly Decision[];
  unfreeze(body: FreezeBody): readonly Decision[];
  pin(body: PinBody): readonly Decision[];
  unpin(body: GroupBody): readonly Decision[];
  revert(body: GroupBody): readonly Decision[];
}

const ANSWERS: Readonly<Record<Refusal['reason'], readonly [status: number, code: ApiError['code']]>> = {
  none: [401, 'WEIR_API_NO_TOKEN'],
  bad: [401, 'WEIR_API_BAD_TOKEN'],
  forbidden: [403, 'WEIR_API_FORBIDDEN'],
  unknown: [503, 'WEIR_API_TOKEN_UNKNOWN'],
};

/** @param access absent: everybody may */
export function addChangeRoutes(api: TypedApi, changes: Changes, access: Access | undefined): void {
  const onRequest = async (request: FastifyRequest) => {
    const refusal = await access?.refusal('change', request.headers.authorization);
    if (!refusal) return;
    const [status, code] = ANSWERS[refusal.reason];
    const message = `${request.method} ${request.url} changes state: ${refusal.message}; send a token as Authorization: Bearer`;
    throw new ApiError(status, code, message);
  };
  const described = <Body extends TSchema>(summary: string, body: Body) => ({
    onRequest,
    schema: {
      summary,
      body,
      response: { 200: Decisions, '4xx': Failure },
      security: access === undefined ? [] : [{ token: [] }],
    },
  });

  api.post('/v1/freeze', described('Weights stay as they are, relief included', FreezeBody), ({ body }) => ({
    decisions: [...changes.freeze(body)],
  }));
  api.post('/v1/unfreeze', described('Ends a freeze', UnfreezeBody), ({ body }) => ({
    decisions: [...changes.unfreeze(body)],
  }));
  api.post('/v1/pin', described('Sets weights and keeps them until unpinned', PinBody), ({ body }) => ({
    decisions: [...changes.pin(body)],
  }));
  api.post('/v1/unpin', described('Ends a pin', GroupBody), ({ body }) => ({ decisions: [...changes.unpin(body)] }));
  api.post('/v1/revert', described('Back to the weights before the last change', GroupBody), ({ body }) => ({
    decisions: [...changes.revert(body)],
  }));
}
