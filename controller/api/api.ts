/**
 * The HTTP API: what the controller sees, what it did and why, and the few ways to overrule it. Everything is served from
 * memory or one indexed query, so that a dashboard may ask each second. Whatever changes state needs the token, when there is one;
 * every error is a code for programs and a sentence for people.
 */
import swagger from '@fastify/swagger';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyServerOptions,
  fastify,
  type RawServerDefault,
} from 'fastify';
import type { Access } from '../access/access.ts';
import type { FilterModule } from '../filter-module.ts';
import { nearest } from '../routes/nearest.ts';
import { addChangeRoutes, type Changes } from './change.ts';
import { addFilterRoutes } from './filter.ts';
import { addHealthRoutes, type HealthSource } from './health.ts';
import { addReadRoutes, type Readings } from './read.ts';
import type { Certificate } from './tls.ts';

export interface ApiOptions {
  /** Absent: everybody may change state. */
  readonly access?: Access;
  /** Absent: no TLS. */
  readonly certificate?: Certificate;
  readonly release: string;
  readonly readings: Readings;
  readonly changes: Changes;
  readonly health: HealthSource;
  /** Absent: it was not built. */
  readonly filter?: FilterModule;
  /** Called for errors that are ours and not the caller's. */
  readonly onFault: (error: Error) => void;
}

export type Api = FastifyInstance;

/** An error of ours and not of who asked. */
const FAULT = 'WEIR_API_FAULT';
/** Bodies are a few names and weights. */
const MAX_BODY_BYTES = 64 * 1024;

/** @returns a server that does not listen yet */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { certificate } = options;
  const settings: FastifyServerOptions<RawServerDefault> = {
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    ...(certificate && { serverFactory: (handler) => certificate.serve(handler) }),
  };
  const api = fastify(settings);
  api.setValidatorCompiler(TypeBoxValidatorCompiler);
  // Response schemas describe; they must not drop what a newer core adds.
  api.setSerializerCompiler(() => (data) => JSON.stringify(data));
  api.setErrorHandler<FastifyError>((error, _, reply) => {
    const { status, code } = classOf(error);
    if (code !== FAULT) return reply.code(status).send({ code, message: error.message });
    options.onFault(error);
    return reply.code(status).send({ code, message: `the controller failed: ${error.message}` });
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
  addChangeRoutes(typed, options.changes, options.access);
  addHealthRoutes(typed, options.health);
  addFilterRoutes(typed, options.filter);
  api.get('/v1/openapi.json', { schema: { hide: true } }, () => api.swagger());
  await api.ready();
  return api;
}

/** Status and code of an error: the core's own codes are the caller's mistakes, the framework's are translated. */
function classOf(error: FastifyError): { status: number; code: string } {
  const { code = '' } = error;
  if (code.startsWith('WEIR_API_')) return { status: error.statusCode ?? 400, code };
  if (code.startsWith('WEIR_CONTROLLER_UNKNOWN')) return { status: 404, code };
  if (code === 'WEIR_CONTROLLER_NOT_MEASURED') return { status: 503, code };
  if (code.startsWith('WEIR_CONTROLLER_BAD')) return { status: 400, code };
  if (code.startsWith('WEIR_CONTROLLER_')) return { status: 409, code };
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return { status: error.statusCode, code: 'WEIR_API_BAD_REQUEST' };
  }
  return { status: 500, code: FAULT };
}
