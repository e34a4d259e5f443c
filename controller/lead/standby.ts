/**
 * What answers on the controller's port while another controller leads: the probes, and to everybody else in one sentence who does.
 * The port is open before this process leads, so that a kubelet sees it alive however long it stands by.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Certificate } from '../api/tls.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';

export interface StandbyOptions {
  readonly config: Pick<Config, 'host' | 'port' | 'tls'>;
  readonly log: Log;
  /** Who leads; undefined: nobody, or not known yet. */
  readonly leader: () => string | undefined;
  /** Nothing, or a sentence that says why it could not take over. */
  readonly whyNotReady: () => string | undefined;
}

export class Standby {
  private readonly options: StandbyOptions;
  private readonly server: Server;

  /** @throws ConfigError when the certificate cannot be read */
  constructor(options: StandbyOptions) {
    const { config, log } = options;
    const refused = (error: Error) =>
      log.error(
        { event: 'certificate_refused' },
        `the changed certificate is refused, the old one counts: ${error.message}`,
      );
    const answer = (request: IncomingMessage, response: ServerResponse) => this.answer(request, response);
    this.options = options;
    this.server = config.tls ? new Certificate(config.tls, refused).serve(answer) : createServer(answer);
  }

  /** Opens the port. */
  async start(): Promise<void> {
    const { host, port } = this.options.config;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
  }

  /** Frees the port. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const { leader, whyNotReady } = this.options;
    const path = url.split('?')[0];
    const who = leader();
    const message =
      who === undefined ? 'nobody leads yet; this controller stands by' : `${who} leads; this controller stands by`;
    const trouble = path === '/readyz' ? whyNotReady() : undefined;
    if ((path === '/healthz' || path === '/readyz') && trouble === undefined)
      send(response, 200, { ok: true, message });
    else if (trouble !== undefined) send(response, 503, { ok: false, message: trouble });
    else send(response, 503, { code: 'WEIR_API_STANDBY', message });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
