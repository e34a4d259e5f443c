/** One raw connection to a door: sends bytes as they are and reads nothing of the answers but their statuses. */
import { connect, type Socket } from 'node:net';

const ANSWER_LIMIT_MS = 30_000;

export class Connection {
  isOpen = true;
  private readonly socket: Socket;
  private received = '';
  private statuses: number[] = [];
  private wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('error', () => this.gone());
    this.socket.on('close', () => this.gone());
    this.socket.on('end', () => {
      this.socket.end();
      this.gone();
    });
    this.socket.on('data', (chunk: Buffer) => this.read(chunk.toString('latin1')));
  }

  /** @param isLast whether nothing follows @returns the statuses of the answers, fewer than asked for when it was ended */
  async send(bytes: Uint8Array, answers: number, isLast: boolean): Promise<number[]> {
    this.statuses = [];
    if (isLast) this.socket.end(bytes);
    else this.socket.write(bytes);
    const deadlineMs = performance.now() + ANSWER_LIMIT_MS;
    while (this.statuses.length < answers && this.isOpen) {
      if (performance.now() > deadlineMs) throw new Error(`no answer within ${ANSWER_LIMIT_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ANSWER_LIMIT_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.statuses;
  }

  end(): void {
    this.socket.destroy();
  }

  private gone(): void {
    this.isOpen = false;
    this.wake();
  }

  /** Answers are short and say their length. */
  private read(text: string): void {
    this.received += text;
    for (;;) {
      const head = /^HTTP\/1\.1 (\d{3}) [\s\S]*?\r\n\r\n/.exec(this.received);
      if (!head) return;
      const bodyBytes = Number(/content-length: (\d+)/i.exec(head[0])?.[1] ?? 0);
      if (this.received.length < head[0].length + bodyBytes) return;
      this.received = this.received.slice(head[0].length + bodyBytes);
      this.statuses.push(Number(head[1]));
      if (/connection: close/i.test(head[0])) this.isOpen = false;
      this.wake();
    }
  }
}
