/** The decision: a person pins all requests to one backend. One connection, kept open, so that no decision waits for another. */
import { Agent, request } from 'node:http';
import { BACKENDS, type BackendName, SERVICE } from './plan.ts';

const WHOLE = 10_000;

export interface Pinned {
  /** When its POST was handed to the socket. */
  readonly sentMs: number;
  /** When the controller's answer was here; the decision is written down by then. */
  readonly answered: Promise<number>;
}

export class Pins {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly url: URL;
  private readonly service: string;
  private readonly token: string | undefined;

  /** @param apiUrl of the controller @param token that it asks for; undefined: none */
  constructor(apiUrl: string, service = SERVICE, token?: string) {
    this.url = new URL('/v1/pin', apiUrl);
    this.service = service;
    this.token = token;
  }

  send(to: BackendName): Pinned {
    const weights = Object.fromEntries(BACKENDS.map((name) => [name, name === to ? WHOLE : 0]));
    const body = JSON.stringify({ service: this.service, weights, by: 'benchmark', why: 'to see when it arrives' });
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
    };
    const post = request(this.url, { method: 'POST', agent: this.agent, headers });
    const answered = new Promise<number>((resolve, reject) => {
      post.once('error', reject);
      post.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.once('end', () => {
          if (response.statusCode === 200) resolve(performance.now());
          else reject(new Error(`the controller answered a pin with ${response.statusCode}: ${text}`));
        });
      });
    });
    const sentMs = performance.now();
    post.end(body);
    return { sentMs, answered };
  }

  close(): void {
    this.agent.destroy();
  }
}
