/**
 * The HTTP API: what the controller sees, what it did and why, and the few ways to overrule it. Everything is served from
 * memory or one indexed query, so that a dashboard may ask each second. Whatever changes state needs the token, when there is one;
 * every error is a code for programs and a sentence for people.
 */
import swagger from '@fastify/swagger';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { nearest } from '../routes/nearest.ts';
import { addChangeRoutes, type Changes } from './change.ts';
import { addHealthRoutes, type HealthSource } from './health.ts';
import { addReadRoutes, type Readings } from './read.ts';

export interface ApiOptions {
  readonly token?: string;
  readonly release: string;
  readonly readings: Readings;
  readonly changes: Changes;
  readonly health: HealthSource;
  /** Called for errors that are ours and not the caller's. */
  readonly onFault: (error: Error) => void;
}

export type Api = FastifyInstance;

/** Bodies are a few names and weights. */
const MAX_BODY_BYTES = 64 * 1024;

/** @returns a server that does not listen yet */
export async function createApi(options: ApiOptions): Promise<Api> {
  const api = fastify({ logger: false, bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true });
  api.setValidatorCompiler(TypeBoxValidatorCompiler);
  // Response schemas describe; they must not drop what a newer core adds.
  api.setSerializerCompiler(() => (data) => JSON.stringify(data));
  api.setErrorHandler<FastifyError>((error, _, reply) => {
    const { status, code } = classOf(error);
    if (status >= 500) options.onFault(error);
    reply
      .code(status)
      .send({ code, message: status >= 500 ? `the controller failed: ${error.message}` : error.message });
  });
  const paths: string[] = [];
  api.addHook('onRoute', (route) => void paths.push(route.url));
  api.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const guess = nearest(path, paths);
    const message = `there is no ${request.method} ${path}; ${guess ? `did you mean ${guess}?` : 'see /v1/openapi.json'}`;
    reply.code(404).send({ code: 'WEIR_API_NOT_FOUND', message });
  });
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Weir controller', version: options.release, license: { name: 'Apache-2.0' } },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
  });
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  addReadRoutes(typed, options.readings);
  addChangeRoutes(typed, options.changes, options.token);
  addHealthRoutes(typed, options.health);
  api.get('/v1/openapi.json', { schema: { hide: true } }, () => api.swagger());
  await api.ready();
  return api;
}

/** Status and code of an error: the core's own codes are the caller's mistakes, the framework's are translated. */
function classOf(error: FastifyError): { status: number; code: string } {
  const { code = '' } = error;
  if (code.startsWith('WEIR_API_')) return { status: error.statusCode ?? 400, code };
  if (code.startsWith('WEIR_CONTROLLER_UNKNOWN')) return { status: 404, code };
  if (code.startsWith('WEIR_CONTROLLER_BAD')) return { status: 400, code };
  if (code.startsWith('WEIR_CONTROLLER_')) return { status: 409, code };
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return { status: error.statusCode, code: 'WEIR_API_BAD_REQUEST' };
  }
  return { status: 500, code: 'WEIR_API_FAULT' };
}
