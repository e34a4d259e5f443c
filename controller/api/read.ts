/** What can be asked: the graph, the services, the tables in force, the decisions, the agents. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import Type from 'typebox';
import type { Decision } from '../decision.ts';
import type { AgentView } from '../hub/hub.ts';
import type { Demand } from '../steer/demand.ts';
import { Tables } from '../wire/messages.ts';
import { ApiError } from './errors.ts';
import { Agents, Decisions, DecisionsQuery, DemandAnswer, DemandQuery, Failure } from './schemas.ts';

/** The server as the files of this room see it. */
export type TypedApi = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface Readings {
  graph(): unknown;
  /** Undefined where nothing of the mesh's configuration is known. */
  configured(): unknown;
  services(): readonly unknown[];
  demand(query: DemandQuery): Demand;
  routes(): readonly unknown[];
  called(): readonly unknown[];
  tables(): Tables;
  agents(): readonly AgentView[];
  decisions(query: { service?: string; limit: number; beforeId?: number }): readonly Decision[];
}

const DEFAULT_LIMIT = 50;

export function addReadRoutes(api: TypedApi, readings: Readings): void {
  const described = (summary: string, response: unknown) => ({
    schema: { summary, response: { 200: response, '4xx': Failure } },
  });
  const anything = (description: string) => Type.Object({}, { additionalProperties: true, description });

  api.get(
    '/v1/graph',
    described('Who calls whom, with rate, latency and errors per edge', anything('nodes, edges')),
    () => readings.graph(),
  );
  api.get(
    '/v1/configured',
    described(
      'The clusters that configuration gives to proxies, and whether they are called',
      anything('clusters, routed'),
    ),
    () => {
      const configured = readings.configured();
      if (configured !== undefined) return configured;
      throw new ApiError(
        404,
        'WEIR_API_NO_CONFIGURATION',
        "the mesh's configuration is not known: routes do not come from an API server, or it has not told of all yet",
      );
    },
  );
  api.get(
    '/v1/services',
    described('Each steered service and caller group: weights, figures, trial, pin, freeze', anything('services')),
    () => ({ services: readings.services() }),
  );
  api.get(
    '/v1/demand',
    {
      schema: {
        summary: 'Calls per second that a backend is to be ready for, for autoscalers; 503 while they are not known',
        querystring: DemandQuery,
        response: { 200: DemandAnswer, '4xx': Failure, 503: Failure },
      },
    },
    ({ query }) => readings.demand(query),
  );
  api.get('/v1/routes', described('The AdaptiveRoutes in force', anything('routes')), () => ({
    routes: readings.routes(),
  }));
  api.get(
    '/v1/calls',
    described('Which hosts each workload has called, for as long as it is known', anything('workloads')),
    () => ({ workloads: readings.called() }),
  );
  api.get('/v1/tables', described('The tables in force, as agents get them', Tables), () => readings.tables());
  api.get('/v1/agents', described('Connected agents', Agents), () => ({ agents: [...readings.agents()] }));
  api.get(
    '/v1/decisions',
    {
      schema: {
        summary: 'What was decided and why, newest first',
        querystring: DecisionsQuery,
        response: { 200: Decisions, '4xx': Failure },
      },
    },
    ({ query }) => ({ decisions: [...readings.decisions({ ...query, limit: query.limit ?? DEFAULT_LIMIT })] }),
  );
}
