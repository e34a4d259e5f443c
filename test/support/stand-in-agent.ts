/**
 * An agent for real Envoys, as far as a filter can tell: it takes samples and hands out tables by the wire of agent/wire/layout.ts.
 * No controller stands behind it; the test says what the table is, and how the agent misbehaves. The real agent is under
 * the same filters in test/envoy/agent.test.ts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HOLD_MS } from '../../agent/wire/layout.ts';
import { decodeSamples } from '../../agent/wire/samples.ts';
import { encodeView, NO_VIEW, tableMessage, unchangedMessage, type View } from '../../agent/wire/table.ts';
import type { ServiceTable } from '../../controller/wire/messages.ts';
import { Tally } from './tally.ts';

interface Held {
  readonly vmId: string;
  readonly have: string;
  readonly answer: (body: Uint8Array) => void;
}

/** Who asked, by the headers that came with it. */
export interface Asker {
  readonly nodeId: string;
  readonly workload: string;
  readonly namespace: string;
  readonly zone: string;
}

export class StandInAgent {
  port = 0;
  view: View = NO_VIEW;
  ttlMs = 600_000;
  /** How samples messages are answered; only with 204 they are taken. */
  samplesStatus = 204;
  /** Samples messages that were not taken. */
  refused = 0;
  readonly tally = new Tally();
  readonly askers = new Map<string, Asker>();
  /** Table requests that came. */
  asked = 0;
  private number = 0;
  private readonly held = new Set<Held>();
  private readonly server = createServer((request, response) => void this.serve(request, response));

  /** @param port 0: a free one; else the one of an agent that is gone and now comes back */
  static async start(port = 0): Promise<StandInAgent> {
    const agent = new StandInAgent();
    await new Promise<void>((resolve, reject) => {
      agent.server.once('error', reject);
      agent.server.listen(port, '127.0.0.1', () => resolve());
    });
    agent.port = (agent.server.address() as AddressInfo).port;
    return agent;
  }

  /** Puts a table in force, and into the hands of every filter that is asking. */
  deliver(services: readonly ServiceTable[], number = this.number + 1): void {
    this.number = number;
    this.view = encodeView(services, 1, number);
    for (const { have, answer } of [...this.held]) if (have !== this.view.viewId) answer(this.message(have));
  }

  /** Answers every held request with these bytes, whatever they are. */
  answerAll(body: Uint8Array): void {
    for (const { answer } of [...this.held]) answer(body);
  }

  /** VMs whose request is held and who have the view in force. */
  upToDate(): number {
    return new Set([...this.held].filter(({ have }) => have === this.view.viewId).map(({ vmId }) => vmId)).size;
  }

  /** VMs whose request is held. */
  holding(): number {
    return new Set([...this.held].map(({ vmId }) => vmId)).size;
  }

  /** Gone at once, with every connection. */
  async close(): Promise<void> {
    this.held.clear();
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const header = (name: string) => String(request.headers[name] ?? '');
    const vmId = header('x-weir-vm');
    const url = new URL(request.url ?? '/', 'http://agent');
    this.askers.set(vmId, {
      nodeId: header('x-weir-node-id'),
      workload: header('x-weir-workload'),
      namespace: header('x-weir-namespace'),
      zone: header('x-weir-zone'),
    });
    if (request.method === 'GET' && url.pathname === '/v1/table') {
      this.hold(vmId, url.searchParams.get('have') ?? '', response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.samplesStatus === 204) this.tally.take(decodeSamples(Buffer.concat(chunks)));
    else this.refused += 1;
    response.writeHead(this.samplesStatus).end();
  }

  private hold(vmId: string, have: string, response: ServerResponse): void {
    this.asked += 1;
    const timer = setTimeout(() => held.answer(this.message(have)), HOLD_MS);
    const held: Held = {
      vmId,
      have,
      answer: (body) => {
        clearTimeout(timer);
        this.held.delete(held);
        response.writeHead(200, { 'content-length': body.length }).end(body);
      },
    };
    response.once('close', () => {
      clearTimeout(timer);
      this.held.delete(held);
    });
    if (have === this.view.viewId) this.held.add(held);
    else held.answer(this.message(have));
  }

  private message(have: string): Uint8Array {
    return have === this.view.viewId ? unchangedMessage(this.view, this.ttlMs) : tableMessage(this.view, this.ttlMs);
  }
}
