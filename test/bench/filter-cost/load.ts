/**
 * The load: raw HTTP/1.1 connections that are kept, one request at a time on each. Closed loop for processor time: so many in
 * flight, always. Open loop for latency: requests leave when they are due, whatever came back, and their latency counts from
 * the instant they were due, so that a stall is not left out of the figures.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ANSWER_BODY } from './origin.ts';

const ANSWER_END = Buffer.from(`\r\n\r\n${ANSWER_BODY}`);
const ANSWER_START = Buffer.from('HTTP/1.1 200');

class Connection {
  private readonly socket: Socket;
  private readonly request: Buffer;
  /** What came of an answer that did not come in one piece. */
  private begun: Buffer | undefined;
  private onAnswer: (isGood: boolean) => void = () => {};

  private constructor(socket: Socket, request: Buffer) {
    this.socket = socket;
    this.request = request;
    socket.on('data', (chunk) => {
      const answer = this.begun ? Buffer.concat([this.begun, chunk]) : chunk;
      if (!has(answer, ANSWER_END, answer.length - ANSWER_END.length)) {
        this.begun = answer;
        return;
      }
      this.begun = undefined;
      this.onAnswer(has(answer, ANSWER_START, 0));
    });
    socket.on('error', () => {});
    socket.on('close', () => this.onAnswer(false));
  }

  static async open(port: number, request: Buffer): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket, request);
  }

  send(onAnswer: (isGood: boolean) => void): void {
    this.onAnswer = onAnswer;
    this.socket.write(this.request);
  }

  close(): void {
    this.onAnswer = () => {};
    this.socket.destroy();
  }
}

export class Load {
  /** Requests that were answered with 200, so far. */
  answered = 0;
  private readonly connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.connections = connections;
  }

  static async open(port: number, host: string, connections: number): Promise<Load> {
    const request = Buffer.from(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    return new Load(await Promise.all(Array.from({ length: connections }, () => Connection.open(port, request))));
  }

  /** So many requests, so many in flight. @returns ms that it took. @throws Error when one is not answered with 200 */
  async closedLoop(requests: number, atOnce: number): Promise<number> {
    const startedMs = performance.now();
    let left = requests;
    const work = (connection: Connection) =>
      new Promise<void>((resolve, reject) => {
        const next = () => {
          if (left-- <= 0) return resolve();
          connection.send((isGood) => {
            if (!isGood) return reject(notGood());
            this.answered += 1;
            next();
          });
        };
        next();
      });
    await Promise.all(this.connections.slice(0, atOnce).map(work));
    return performance.now() - startedMs;
  }

  /**
   * @param dueMs instants from now at which requests are due, ascending
   * @returns latency of each in ms. @throws Error when one is not answered with 200
   */
  openLoop(dueMs: Float64Array): Promise<Float64Array> {
    const latencyMs = new Float64Array(dueMs.length);
    const idle = [...this.connections];
    let sent = 0;
    let answered = 0;
    return new Promise((resolve, reject) => {
      const startedMs = performance.now();
      let isOver = false;
      const send = (connection: Connection, index: number, due: number) =>
        connection.send((isGood) => {
          if (!isGood) {
            isOver = true;
            return reject(notGood());
          }
          latencyMs[index] = performance.now() - startedMs - due;
          idle.push(connection);
          this.answered += 1;
          answered += 1;
          if (answered === dueMs.length) resolve(latencyMs);
        });
      // Timers of Node are 1 ms coarse; turning costs a core, which is the load's own.
      const turn = () => {
        const nowMs = performance.now() - startedMs;
        for (let due = dueMs[sent]; due !== undefined && due <= nowMs; due = dueMs[sent]) {
          const connection = idle.pop();
          if (!connection) break;
          send(connection, sent, due);
          sent += 1;
        }
        if (sent < dueMs.length && !isOver) setImmediate(turn);
      };
      if (dueMs.length === 0) resolve(latencyMs);
      else turn();
    });
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}

/** Poisson arrivals: the gaps are exponential, as those of many independent callers. @param random 0 to 1 */
export function arrivals(rps: number, seconds: number, random: () => number): Float64Array {
  const dueMs: number[] = [];
  for (let atMs = 0; ; ) {
    atMs -= (Math.log(1 - random()) * 1_000) / rps;
    if (atMs >= seconds * 1_000) return Float64Array.from(dueMs);
    dueMs.push(atMs);
  }
}

/** Whether bytes stand at a place. By hand: what is made for each answer has to be collected, and a collection is a pause. */
function has(answer: Buffer, bytes: Buffer, at: number): boolean {
  if (at < 0) return false;
  for (let i = 0; i < bytes.length; i += 1) if (answer[at + i] !== bytes[i]) return false;
  return true;
}

function notGood(): Error {
  return new Error('a request was not answered with 200; the figures would not be of working proxies');
}
