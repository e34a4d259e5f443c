/** Requests through one Envoy, one after the other on one connection, and who answered each. */
import { connect, type Socket } from 'node:net';
import type { ProbeAnswer } from './arrival.ts';
import type { ProbeTarget } from './prober.ts';

const END_OF_HEAD = '\r\n\r\n';

export class Probe {
  /** Of the window that is open, in order. */
  answers: ProbeAnswer[] = [];
  /** When it was asked last. */
  askedMs = 0;
  private readonly name: string;
  private readonly request: string;
  private readonly socket: Socket;
  private readonly onFault: (error: Error) => void;
  private sentMs: number | undefined;
  private text = '';

  private constructor(name: string, host: string, socket: Socket, onFault: (error: Error) => void) {
    this.name = name;
    this.request = `GET / HTTP/1.1\r\nhost: ${host}${END_OF_HEAD}`;
    this.socket = socket;
    this.onFault = onFault;
  }

  /**
   * @param onFault told of an answer that is none of a backend, and of a connection that breaks
   */
  static async open(target: ProbeTarget, host: string, onFault: (error: Error) => void): Promise<Probe> {
    const { name, port, address = '127.0.0.1' } = target;
    const socket = connect({ port, host: address, noDelay: true }).setEncoding('latin1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const probe = new Probe(name, host, socket, onFault);
    socket.on('data', (text: string) => probe.take(text));
    socket.on('error', (error) => onFault(new Error(`the probe of ${name} broke: ${error.message}`)));
    socket.on('end', () => onFault(new Error(`${name} closed the probe's connection`)));
    return probe;
  }

  get isWaiting(): boolean {
    return this.sentMs !== undefined;
  }

  send(nowMs: number): void {
    this.sentMs = nowMs;
    this.askedMs = nowMs;
    this.socket.write(this.request);
  }

  close(): void {
    this.socket.removeAllListeners('end').destroy();
  }

  private take(text: string): void {
    this.text += text;
    const bodyAt = this.text.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    if (bodyAt < END_OF_HEAD.length || this.text.length === bodyAt || this.sentMs === undefined) return;
    const answer = this.text;
    const { sentMs } = this;
    this.text = '';
    this.sentMs = undefined;
    if (answer.startsWith('HTTP/1.1 200 ')) {
      this.answers.push({ sentMs, arrivedMs: performance.now(), backend: answer.slice(bodyAt) });
    } else this.onFault(new Error(`${this.name} answered a probe with ${answer.split('\r\n')[0]}`));
  }
}
