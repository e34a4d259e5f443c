/**
 * The agent's configuration: environment variables, each also an option of the command. What is wrong is said in one sentence
 * that names the variable, what was given and what is allowed; a variable that nobody knows is a typo, not a wish.
 */
import { readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { BadConfig } from './errors.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { nearest } from './nearest.ts';

export const PREFIX = 'WEIR_AGENT_';
const MIN_TOKEN_CHARACTERS = 16;
const AGENTS_PATH = '/v1/agents';

export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** ws:// or wss:// */
  readonly controllerUrl: string;
  readonly node: string;
  /** Zone of the callers whose proxies do not say theirs. */
  readonly zone: string;
  readonly stateDir: string;
  /** Holds the token for the controller; absent: none is shown. */
  readonly tokenFile?: string;
  /** Certificates that the controller's is believed by, PEM; absent: the system's. */
  readonly caFile?: string;
  readonly forecastWindowMs: number;
  readonly outboxReports: number;
  readonly maxConnections: number;
  readonly logLevel: LogLevel;
}

export interface Setting {
  /** Without the prefix. */
  readonly name: string;
  /** Option of the command, with the sort of its value. */
  readonly flags: string;
  readonly text: string;
  readonly fallback: string;
  /** How the default is shown, where it depends on the machine. */
  readonly fallbackText?: string;
}

/** Every variable and option, in the order of --help. */
export const SETTINGS: readonly Setting[] = [
  setting('LISTEN', 'address:port', 'where filters find this agent', '127.0.0.1:15990'),
  setting('CONTROLLER', 'url', 'the controller, ws:// or wss://', `ws://127.0.0.1:15900${AGENTS_PATH}`),
  { ...setting('NODE', 'name', 'name of this node', hostname()), fallbackText: 'the host name' },
  setting('ZONE', 'name', 'zone of callers whose proxies do not say theirs', ''),
  {
    ...setting('STATE_DIR', 'folder', 'where the last tables are kept', join(homedir(), '.local/state/weir/agent')),
    fallbackText: '~/.local/state/weir/agent',
  },
  setting('TOKEN_FILE', 'file', 'file of the token to show to the controller', ''),
  setting('CA_FILE', 'file', "file of the certificates that the controller's must be signed by, PEM", ''),
  setting('FORECAST_WINDOW_MS', 'ms', 'length of a forecast window, 1000 to 3600000', '10000'),
  setting('OUTBOX_REPORTS', 'count', 'reports kept while the controller is away, 1 to 3600', '60'),
  setting('MAX_CONNECTIONS', 'count', 'connections of filters at a time, 1 to 100000', '4096'),
  setting('LOG_LEVEL', 'level', LOG_LEVELS.join(', '), 'info'),
];

/**
 * @param options values given as options, by variable without prefix; they win over the environment
 * @throws BadConfig
 */
export function parseConfig(env: NodeJS.ProcessEnv, options: Readonly<Record<string, string>> = {}): Config {
  refuseUnknown(env);
  const read = (name: string): Given => {
    const found = SETTINGS.find((candidate) => candidate.name === name);
    if (!found) throw new RangeError(`there is no setting ${name}`);
    const option = options[name];
    if (option !== undefined) return { label: found.flags.split(' ')[0] ?? '', text: option };
    return { label: `${PREFIX}${name}`, text: env[`${PREFIX}${name}`] || found.fallback };
  };
  const tokenFile = read('TOKEN_FILE');
  if (tokenFile.text !== '') readToken(tokenFile.text, tokenFile.label);
  const caFile = read('CA_FILE');
  if (caFile.text !== '') readCertificates(caFile.text, caFile.label);
  return {
    ...parseListen(read('LISTEN')),
    controllerUrl: parseUrl(read('CONTROLLER')),
    node: parseName(read('NODE')),
    zone: parseName(read('ZONE')),
    stateDir: read('STATE_DIR').text,
    ...(tokenFile.text === '' ? {} : { tokenFile: tokenFile.text }),
    ...(caFile.text === '' ? {} : { caFile: caFile.text }),
    forecastWindowMs: parseInteger(read('FORECAST_WINDOW_MS'), 1_000, 3_600_000),
    outboxReports: parseInteger(read('OUTBOX_REPORTS'), 1, 3_600),
    maxConnections: parseInteger(read('MAX_CONNECTIONS'), 1, 100_000),
    logLevel: parseLogLevel(read('LOG_LEVEL')),
  };
}

/**
 * The token that a file holds. Read again with each connection, since tokens are changed under a running process.
 * @throws BadConfig when the file cannot be read or holds no token
 */
export function readToken(path: string, label = `${PREFIX}TOKEN_FILE`): string {
  let token: string;
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new BadConfig(`${label} is ${path}, which cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= MIN_TOKEN_CHARACTERS) return token;
  throw new BadConfig(
    `${label} is ${path}; the file must hold one token of at least ${MIN_TOKEN_CHARACTERS} visible characters`,
  );
}

/** Certificates that a file holds, PEM. @throws BadConfig when it cannot be read or holds none */
export function readCertificates(path: string, label = `${PREFIX}CA_FILE`): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BadConfig(`${label} is ${path}, which cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new BadConfig(`${label} is ${path}, which holds no PEM certificate`);
}

/** A value and what to call it in a message: the variable or the option that it came from. */
interface Given {
  readonly label: string;
  readonly text: string;
}

function setting(name: string, value: string, text: string, fallback: string): Setting {
  return { name, flags: `--${name.toLowerCase().replaceAll('_', '-')} <${value}>`, text, fallback };
}

function refuseUnknown(env: NodeJS.ProcessEnv): void {
  const known = SETTINGS.map(({ name }) => name);
  for (const variable of Object.keys(env)) {
    const name = variable.slice(PREFIX.length);
    if (!variable.startsWith(PREFIX) || known.includes(name)) continue;
    const guess = nearest(name, known);
    const hint = guess
      ? `did you mean ${PREFIX}${guess}?`
      : `known are ${known.map((each) => PREFIX + each).join(', ')}`;
    throw new BadConfig(`${variable} is not known; ${hint}`);
  }
}

function parseListen({ label, text }: Given): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= 65_535) return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
  throw new BadConfig(`${label} is ${text}; it must be address:port, for example 127.0.0.1:15990`);
}

function parseUrl({ label, text }: Given): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['ws:', 'wss:'].includes(url.protocol) || url.hash !== '') {
    throw new BadConfig(
      `${label} is ${text}; it must be a ws:// or wss:// URL, for example ws://weir:15900${AGENTS_PATH}`,
    );
  }
  // Who names only the host means the place where agents are taken.
  if (url.pathname === '/') url.pathname = AGENTS_PATH;
  return url.href;
}

function parseName({ label, text }: Given): string {
  if (text.length <= 255) return text;
  throw new BadConfig(`${label} has ${text.length} characters; allowed are 255`);
}

function parseInteger({ label, text }: Given, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new BadConfig(`${label} is ${text}; it must be an integer from ${least} to ${most}`);
}

function parseLogLevel({ label, text }: Given): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level) return level;
  throw new BadConfig(`${label} is ${text}; it must be one of ${LOG_LEVELS.join(', ')}`);
}
