/** Asks a running controller, and turns whatever goes wrong into one sentence. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';

export const DEFAULT_URL = 'http://127.0.0.1:15900';
/** The controller answers from memory; who takes longer is not there. */
const TIMEOUT_MS = 10_000;

/** What the person at the terminal can mend; shown as it is, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface ClientOptions {
  readonly url: string;
  readonly tokenFile?: string;
}

/** Adds --url and --token-file. */
export function withClientOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'where the controller listens').env('WEIR_URL').default(DEFAULT_URL))
    .addOption(new Option('--token-file <file>', "file that holds the controller's token").env('WEIR_TOKEN_FILE'));
}

export class Client {
  private readonly options: ClientOptions;

  constructor(options: ClientOptions) {
    this.options = options;
  }

  get<T>(path: string): Promise<T> {
    return this.ask<T>('GET', path, undefined);
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.ask<T>('POST', path, JSON.stringify(body));
  }

  private async ask<T>(method: string, path: string, body: string | undefined): Promise<T> {
    const headers = new Headers(this.authorization());
    if (body !== undefined) headers.set('content-type', 'application/json');
    const target = this.target(path);
    let status: number;
    let text: string;
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(target, { method, headers, signal, ...(body === undefined ? {} : { body }) });
      status = response.status;
      text = await response.text();
    } catch (error) {
      const hint = 'start one with weir controller, or say where it is with --url or WEIR_URL';
      throw new CommandError(`no controller answers at ${this.options.url} (${reasonOf(error)}); ${hint}`);
    }
    const answer = parse(text);
    if (status < 300 && answer !== undefined) return answer as T;
    const { message, code } = (answer ?? {}) as { message?: unknown; code?: unknown };
    if (typeof message !== 'string') {
      throw new CommandError(`${this.options.url} answered ${status} and not as a controller does; is it one?`);
    }
    const hint =
      code === 'WEIR_API_NO_TOKEN' || code === 'WEIR_API_BAD_TOKEN'
        ? ' (give the token with --token-file or WEIR_TOKEN_FILE)'
        : '';
    throw new CommandError(`${message}${hint}`);
  }

  private target(path: string): URL {
    const { url } = this.options;
    try {
      return new URL(path, url);
    } catch {
      throw new CommandError(`--url is ${url}; it must be a URL, for example ${DEFAULT_URL}`);
    }
  }

  private authorization(): Record<string, string> {
    const { tokenFile } = this.options;
    if (!tokenFile) return {};
    try {
      return { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
    } catch (error) {
      throw new CommandError(`--token-file is ${tokenFile}, which cannot be read: ${(error as Error).message}`);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? message;
}
