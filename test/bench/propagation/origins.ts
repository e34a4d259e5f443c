/** Two backends that do nothing but say which they are, in one byte. Bare sockets: what they cost, the Envoys lack. */
import { createServer, type Server, type Socket } from 'node:net';
import { listenOn } from '../../../deploy/local/apps/ports.ts';

const END_OF_HEAD = '\r\n\r\n';

export class Origins {
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();

  /** @param name one letter, the body of every answer @returns the port */
  async open(name: string): Promise<number> {
    const answer = `HTTP/1.1 200 OK\r\ncontent-length: 1${END_OF_HEAD}${name}`;
    const server = createServer({ noDelay: true }, (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      let rest = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        // Probes have no body, so each end of a head is a request.
        const heads = (rest + text).split(END_OF_HEAD);
        rest = heads.pop() ?? '';
        if (heads.length > 0) socket.write(answer.repeat(heads.length));
      });
    });
    this.servers.push(server);
    return listenOn(server, 0);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
