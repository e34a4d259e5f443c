/**
 * The backends, as cheap as Node can make them: raw servers that answer each request with the same bytes. They live in the
 * load's process, so that on two cores Envoy has one to itself; what they take is not Envoy's and is not counted.
 */
import { createServer, type Server } from 'node:net';
import { listenOn } from '../../../deploy/local/apps/ports.ts';

export const ANSWER_BODY = 'ok';
const ANSWER = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${ANSWER_BODY.length}\r\n\r\n${ANSWER_BODY}`);
const END = '\r\n\r\n';

export class Origin {
  readonly name: string;
  port = 0;
  /** Requests that came. */
  served = 0;
  /** Those of them whose x-weir-backend is this origin's name. */
  named = 0;
  private readonly server: Server;

  private constructor(name: string) {
    this.name = name;
    const header = `\r\nx-weir-backend: ${name}\r\n`;
    this.server = createServer({ noDelay: true }, (socket) => {
      let rest = '';
      socket.on('data', (chunk) => {
        const parts = (rest + chunk.toString('latin1')).split(END);
        rest = parts.pop() ?? '';
        for (const part of parts) {
          this.served += 1;
          if (`${part}\r\n`.includes(header)) this.named += 1;
          socket.write(ANSWER);
        }
      });
      socket.on('error', () => {});
    });
  }

  static async start(name: string): Promise<Origin> {
    const origin = new Origin(name);
    origin.port = await listenOn(origin.server, 0);
    return origin;
  }

  /** No new connections; Envoys that end close theirs. */
  close(): void {
    this.server.close();
  }
}
