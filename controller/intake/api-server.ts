/** How the Kubernetes API server is reached, and what its refusals mean for an operator. */
import { type ConfigurationOptions, KubeConfig, Observable, type ObservableMiddleware } from '@kubernetes/client-node';
import { ConfigError } from '../config.ts';

/** Under this name the API server keeps which fields are ours. */
export const FIELD_MANAGER = 'weir';
/** A request made `inTime` is given up after this: half of what a leader may go without renewing. */
const ANSWER_WITHIN_MS = 5_000;
/** What the client takes when it finds nothing. */
const NOTHING_FOUND = 'http://localhost:8080';

/** KUBECONFIG or ~/.kube/config; in a pod the mounted ServiceAccount. @throws ConfigError when there is none of them */
export function findApiServer(): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromDefault();
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined || server === NOTHING_FOUND) {
    throw new ConfigError(
      'a Kubernetes API server is asked for (WEIR_CONTROLLER_ROUTES, _PUBLISH, _TOKEN_AUDIENCE or _LEASE), and none is configured: there is no KUBECONFIG, no ~/.kube/config, and no ServiceAccount of a pod',
    );
  }
  return kubeConfig;
}

/** Whether it will go on like this until somebody changes a role or a definition. */
export function isRefused(error: unknown): boolean {
  const status = codeOf(error);
  return status === 403 || status === 404;
}

/** One sentence. @param what for example `AdaptiveRoutes` */
export function sayFailure(error: unknown, what: string): string {
  const { code, message, body } = error as Failure;
  const status = codeOf(error);
  if (status === 401) return `the API server does not accept our token (401) for ${what}`;
  if (status === 403) return `the API server does not let us read or write ${what} (403): a role is missing`;
  if (status === 404) return `the API server does not know ${what} (404): install their custom resource definition`;
  if (typeof status === 'number') {
    const { message: said } = readStatus(body);
    return `the API server answered ${status} about ${what}${said === undefined ? '' : `: ${said}`}`;
  }
  return `the API server cannot be reached for ${what}: ${typeof code === 'string' ? code : message}`;
}

interface Failure {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message?: string;
  readonly body?: unknown;
}

/** The status that the API server answered with; undefined where it did not answer. */
export function codeOf(error: unknown): unknown {
  const { code, statusCode } = error as Failure;
  return typeof code === 'number' ? code : statusCode;
}

/** What is asked for; undefined where the API server does not know it. @throws whatever else went wrong */
export async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (codeOf(error) === 404) return undefined;
    throw error;
  }
}

/** Options of a request that must not wait for ever; the client has no limit of its own. */
export function inTime(): ConfigurationOptions<ObservableMiddleware> {
  const middleware: ObservableMiddleware = {
    pre: (request) => {
      request.setSignal(AbortSignal.timeout(ANSWER_WITHIN_MS));
      return new Observable(Promise.resolve(request));
    },
    post: (response) => new Observable(Promise.resolve(response)),
  };
  return { middleware: [middleware], middlewareMergeStrategy: 'append' };
}

/** What the API server says in the body of a refusal; empty where it says nothing. */
export interface ApiStatus {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly message?: string; readonly field?: string }[] };
}

/** @param body as the client hands it over, text or object */
export function readStatus(body: unknown): ApiStatus {
  try {
    return ((typeof body === 'string' ? JSON.parse(body) : body) ?? {}) as ApiStatus;
  } catch {
    return {};
  }
}
