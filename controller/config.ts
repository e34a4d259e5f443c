/**
 * The controller's configuration: environment variables, read once. What is wrong is said in one sentence that names the
 * variable, what was given and what is allowed; a variable that nobody knows is a typo, not a wish.
 */
import { readFileSync } from 'node:fs';
import { nearest } from './routes/nearest.ts';
import { DEFAULT_TABLE_TTL_MS } from './wire/messages.ts';

const PREFIX = 'WEIR_CONTROLLER_';
const MIN_TOKEN_CHARACTERS = 16;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** `kubernetes`: applied to the API server. Otherwise the folder that files of them go to. */
export type PublishTo = 'kubernetes' | { readonly folder: string };

export interface FilterUse {
  /** Where a WasmPlugin is to be; the mesh's root namespace means everywhere. */
  readonly namespaces: readonly string[];
  /** This controller's own, as proxies reach it; or `oci://`, an image of the module. */
  readonly url: string;
  readonly agentHost: string;
  readonly agentPort: number;
}

/** Several controllers, of which the holder of a Lease leads. */
export interface LeaseUse {
  readonly namespace: string;
  readonly name: string;
  /** Of this process, in the Lease's namespace; absent: it is in none. */
  readonly pod?: string;
}

export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** File or folder of AdaptiveRoutes; `kubernetes` or `kubernetes:NAMESPACE` for those of the API server. */
  readonly routesPath: string;
  /** Where manifests go; absent: nowhere. */
  readonly publish?: PublishTo;
  /** How the filter comes into Envoys; absent: not by us. */
  readonly filter?: FilterUse;
  /** File of the SQLite store, or ':memory:'. */
  readonly dbPath: string;
  readonly windowMs: number;
  readonly tableTtlMs: number;
  /** What agents and whoever changes state must show. */
  readonly token?: string;
  /** Of ServiceAccount tokens that the API server is asked about. Neither this nor a token: everybody may. */
  readonly tokenAudience?: string;
  /** Absent: the only controller. */
  readonly lease?: LeaseUse;
  /** Files of certificate and key, PEM; absent: no TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly logLevel: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'WEIR_CONTROLLER_BAD_CONFIG';
}

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const NAMESPACED = new RegExp(`^(${LABEL})/(${LABEL}(?:\\.${LABEL})*)$`);
const KUBERNETES = /^kubernetes(?::([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?))?$/;

/** Whether routes come from the API server, and which namespace's; undefined namespace: all. */
export function clusterOf({ routesPath }: Config): { readonly namespace: string | undefined } | undefined {
  const match = KUBERNETES.exec(routesPath);
  return match ? { namespace: match[1] } : undefined;
}

/** Every variable with its default, for --help. */
export const VARIABLES: Readonly<Record<string, string>> = {
  WEIR_CONTROLLER_LISTEN: 'address and port of API and agents; 127.0.0.1:15900',
  WEIR_CONTROLLER_ROUTES:
    'file or folder of AdaptiveRoute documents, or kubernetes or kubernetes:NAMESPACE for those of the API server; required',
  WEIR_CONTROLLER_PUBLISH:
    'where manifests go: kubernetes, files:FOLDER or off; kubernetes where routes come from there, else off',
  WEIR_CONTROLLER_FILTER_NAMESPACES:
    'namespaces that the filter is attached to by a WasmPlugin, with commas between; none',
  WEIR_CONTROLLER_FILTER_URL:
    'where proxies fetch the filter: http://HOST:PORT of this controller, or oci://IMAGE; none',
  WEIR_CONTROLLER_FILTER_AGENT: 'HOST:PORT of the Service of agents, the host with its whole name; none',
  WEIR_CONTROLLER_DB: "file of the store, or ':memory:'; ./weir.db",
  WEIR_CONTROLLER_WINDOW_MS: 'ms between decisions, 100 to 600000; 1000',
  WEIR_CONTROLLER_TABLE_TTL_MS: `ms that agents steer on without a controller; ${DEFAULT_TABLE_TTL_MS}`,
  WEIR_CONTROLLER_TOKEN_FILE: 'file of the bearer token for agents and changes; none',
  WEIR_CONTROLLER_TOKEN_AUDIENCE:
    'audience of ServiceAccount tokens that the API server is asked about, in place of a token file; none',
  WEIR_CONTROLLER_LEASE:
    'NAMESPACE/NAME of the Lease by which one of several controllers leads; none, the only controller',
  WEIR_CONTROLLER_POD: 'name of the pod that this is, labelled while it leads; none',
  WEIR_CONTROLLER_TLS_CERT_FILE: 'file of the certificate to serve API and agents by TLS, PEM; none',
  WEIR_CONTROLLER_TLS_KEY_FILE: 'file of its key, PEM; none',
  WEIR_CONTROLLER_LOG_LEVEL: `${LOG_LEVELS.join(', ')}; info`,
};

/** @throws ConfigError */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const known = Object.keys(VARIABLES);
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || known.includes(name)) continue;
    const guess = nearest(
      name.slice(PREFIX.length),
      known.map((each) => each.slice(PREFIX.length)),
    );
    const hint = guess ? `did you mean ${PREFIX}${guess}?` : `known are ${known.join(', ')}`;
    throw new ConfigError(`${name} is not known; ${hint}`);
  }
  const routesPath = env.WEIR_CONTROLLER_ROUTES;
  if (!routesPath) {
    throw new ConfigError(
      'WEIR_CONTROLLER_ROUTES is not set; it must name a file or folder of AdaptiveRoute documents',
    );
  }
  if (routesPath.startsWith('kubernetes:') && !KUBERNETES.test(routesPath)) {
    throw new ConfigError(
      `WEIR_CONTROLLER_ROUTES is ${routesPath}; after the colon it must name a namespace, for example kubernetes:shop`,
    );
  }
  const logLevel = env.WEIR_CONTROLLER_LOG_LEVEL || 'info';
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new ConfigError(`WEIR_CONTROLLER_LOG_LEVEL is ${logLevel}; it must be one of ${LOG_LEVELS.join(', ')}`);
  }
  const publish = parsePublish(env.WEIR_CONTROLLER_PUBLISH, KUBERNETES.test(routesPath));
  const token = readToken(env.WEIR_CONTROLLER_TOKEN_FILE);
  const tokenAudience = env.WEIR_CONTROLLER_TOKEN_AUDIENCE;
  if (tokenAudience && token !== undefined) {
    throw new ConfigError(
      'WEIR_CONTROLLER_TOKEN_AUDIENCE and WEIR_CONTROLLER_TOKEN_FILE are both set; choose one: tokens that the API server knows, or one that both sides hold',
    );
  }
  return {
    ...parseListen(env.WEIR_CONTROLLER_LISTEN || '127.0.0.1:15900'),
    routesPath,
    ...(publish === undefined ? {} : { publish }),
    ...parseFilter(env, publish),
    dbPath: env.WEIR_CONTROLLER_DB || './weir.db',
    windowMs: parseInteger(env, 'WEIR_CONTROLLER_WINDOW_MS', 1_000, 100, 600_000),
    tableTtlMs: parseInteger(env, 'WEIR_CONTROLLER_TABLE_TTL_MS', DEFAULT_TABLE_TTL_MS, 1_000, 0xffffffff),
    ...(token === undefined ? {} : { token }),
    ...(tokenAudience ? { tokenAudience } : {}),
    ...parseLease(env),
    ...parseTls(env),
    logLevel,
  };
}

function parseFilter(env: NodeJS.ProcessEnv, publish: PublishTo | undefined): Pick<Config, 'filter'> {
  const {
    WEIR_CONTROLLER_FILTER_NAMESPACES: list,
    WEIR_CONTROLLER_FILTER_URL: url = '',
    WEIR_CONTROLLER_FILTER_AGENT: agent = '',
  } = env;
  if (!list) return {};
  const namespaces = list.split(',').map((name) => name.trim());
  const wrong = namespaces.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) {
    throw new ConfigError(`WEIR_CONTROLLER_FILTER_NAMESPACES is ${list}; ${wrong || 'nothing'} is no namespace`);
  }
  if (publish !== 'kubernetes') {
    throw new ConfigError(
      'WEIR_CONTROLLER_FILTER_NAMESPACES is set, and a WasmPlugin is applied only where WEIR_CONTROLLER_PUBLISH is kubernetes',
    );
  }
  if (!/^(https?|oci):\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new ConfigError(
      `WEIR_CONTROLLER_FILTER_URL is ${url || 'not set'}; it must be http://HOST:PORT of this controller as proxies reach it, or oci://IMAGE`,
    );
  }
  const match = /^([a-z0-9.-]+\.[a-z0-9-]+):(\d{1,5})$/.exec(agent);
  if (!match?.[1]) {
    throw new ConfigError(
      `WEIR_CONTROLLER_FILTER_AGENT is ${agent || 'not set'}; it must be host:port with the whole host, for example weir-agent.weir-system.svc.cluster.local:15990`,
    );
  }
  return { filter: { namespaces, url: url.replace(/\/$/, ''), agentHost: match[1], agentPort: Number(match[2]) } };
}

function parseLease({
  WEIR_CONTROLLER_LEASE: text,
  WEIR_CONTROLLER_POD: pod,
}: NodeJS.ProcessEnv): Pick<Config, 'lease'> {
  if (!text) {
    if (!pod) return {};
    throw new ConfigError(
      'WEIR_CONTROLLER_POD is set and WEIR_CONTROLLER_LEASE is not; it is labelled only where it may lead',
    );
  }
  const [, namespace, , name] = NAMESPACED.exec(text) ?? [];
  if (namespace === undefined || name === undefined) {
    throw new ConfigError(
      `WEIR_CONTROLLER_LEASE is ${text}; it must be NAMESPACE/NAME, for example weir-system/weir-controller`,
    );
  }
  return { lease: { namespace, name, ...(pod && { pod }) } };
}

function parseTls(env: NodeJS.ProcessEnv): Pick<Config, 'tls'> {
  const { WEIR_CONTROLLER_TLS_CERT_FILE: certFile, WEIR_CONTROLLER_TLS_KEY_FILE: keyFile } = env;
  if (certFile && keyFile) return { tls: { certFile, keyFile } };
  if (!certFile && !keyFile) return {};
  const [there, missing] = certFile ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
  throw new ConfigError(
    `WEIR_CONTROLLER_TLS_${there}_FILE is set and WEIR_CONTROLLER_TLS_${missing}_FILE is not; TLS needs both`,
  );
}

function parsePublish(text: string | undefined, isCluster: boolean): PublishTo | undefined {
  if (!text) return isCluster ? 'kubernetes' : undefined;
  if (text === 'kubernetes') return text;
  if (text === 'off') return undefined;
  const folder = /^files:(.+)$/.exec(text)?.[1];
  if (folder !== undefined) return { folder };
  throw new ConfigError(
    `WEIR_CONTROLLER_PUBLISH is ${text}; it must be kubernetes, files:FOLDER (for example files:./manifests) or off`,
  );
}

function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new ConfigError(`WEIR_CONTROLLER_LISTEN is ${text}; it must be address:port, for example 127.0.0.1:15900`);
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}

function parseInteger(env: NodeJS.ProcessEnv, name: string, fallback: number, least: number, most: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new ConfigError(`${name} is ${text}; it must be an integer from ${least} to ${most}`);
}

function readToken(path: string | undefined): string | undefined {
  if (!path) return undefined;
  let token: string;
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`WEIR_CONTROLLER_TOKEN_FILE is ${path}, which cannot be read: ${(cause as Error).message}`);
  }
  if (!/^[\x21-\x7e]+$/.test(token) || token.length < MIN_TOKEN_CHARACTERS) {
    throw new ConfigError(
      `WEIR_CONTROLLER_TOKEN_FILE is ${path}; the file must hold one token of at least ${MIN_TOKEN_CHARACTERS} visible characters`,
    );
  }
  return token;
}
