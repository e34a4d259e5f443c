/** How a person overrules Weir: freeze, unfreeze, pin, unpin, revert. Each answers with the decisions that came of it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import type { Decision } from '../decision.ts';
import { isRightToken } from '../hub/token.ts';
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

export function addChangeRoutes(api: TypedApi, changes: Changes, token: string | undefined): void {
  const onRequest = async (request: FastifyRequest, _: FastifyReply) => {
    if (isRightToken(token, request.headers.authorization)) return;
    const message = `${request.method} ${request.url} changes state and needs the controller's token; send it as Authorization: Bearer`;
    throw new ApiError(401, 'WEIR_API_NO_TOKEN', message);
  };
  const described = <Body extends TSchema>(summary: string, body: Body) => ({
    onRequest,
    schema: {
      summary,
      body,
      response: { 200: Decisions, '4xx': Failure },
      security: token === undefined ? [] : [{ token: [] }],
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
