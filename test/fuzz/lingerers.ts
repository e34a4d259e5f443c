/** Connections that say nothing, and some that say a byte at a time: a door must mind neither, and the agent's ends both. */
import { connect, type Socket } from 'node:net';

const BYTE_EVERY_MS = 500;
/** The limit for a request is 5 s, looked at each second. */
const GONE_WITHIN_MS = 20_000;
const SLOW_HEAD = 'POST /v1/samples HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n';

export class Lingerers {
  /** How many were told 408. */
  refused = 0;
  private readonly idle: Socket[];
  private readonly slow: Socket[];
  private readonly timer: NodeJS.Timeout;
  private closed = 0;

  constructor(port: number, { idle, slow }: { readonly idle: number; readonly slow: number }) {
    const open = (): Socket => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        if (String(chunk).startsWith('HTTP/1.1 408')) this.refused += 1;
      });
      return socket;
    };
    this.idle = Array.from({ length: idle }, open);
    this.slow = Array.from({ length: slow }, open);
    for (const socket of [...this.idle, ...this.slow]) socket.once('close', () => (this.closed += 1));
    let bytes = 0;
    this.timer = setInterval(() => {
      // Half of them are slow from their head on, half with their body.
      for (const [i, socket] of this.slow.entries()) {
        if (!socket.writable) continue;
        socket.write(i % 2 === 0 ? (SLOW_HEAD[bytes] ?? 'x') : bytes === 0 ? SLOW_HEAD : 'x');
      }
      bytes += 1;
    }, BYTE_EVERY_MS);
  }

  /** When the door has ended every one. @throws when it keeps some */
  async gone(): Promise<void> {
    const deadlineMs = performance.now() + GONE_WITHIN_MS;
    for (;;) {
      const left = this.idle.length + this.slow.length - this.closed;
      if (left === 0) return;
      if (performance.now() > deadlineMs) throw new Error(`${left} idle and slow connections are still there`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  end(): void {
    clearInterval(this.timer);
    for (const socket of [...this.idle, ...this.slow]) socket.destroy();
  }
}
