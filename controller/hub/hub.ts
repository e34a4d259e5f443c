/**
 * Where agents connect: ws://controller/v1/agents, on the same port as the API. The hub knows who is there, passes reports
 * on and hands out tables; what they say is nobody's business here. Its rules are in controller/wire/messages.ts.
 *
 * Whoever cannot come in is told why in a `refuse` frame and not by a bare HTTP status, because the sentence ends up in
 * the agent's log, where the person who can mend it looks.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Access, Refusal } from '../access/access.ts';
import type { BadFrame } from '../wire/codec.ts';
import { type Hello, MAX_FRAME_BYTES, type Report, type Tables } from '../wire/messages.ts';
import { type EncodedTables, encodeTables, type RefuseCode, type TableVersion } from './push.ts';
import { Session, type SessionEvents } from './session.ts';

export const AGENTS_PATH = '/v1/agents';

/** Who does not say hello in this time is no agent. */
export const HELLO_LIMIT_MS = 5_000;
/** A connection is asked for a sign of life this often and is dead after three silent turns. */
export const PING_MS = 5_000;
const DEAD_MS = 3 * PING_MS;
/** An ack that took longer never comes. */
const ACK_LIMIT_MS = 10_000;
/** How long a peer may take to answer a goodbye. */
const GOODBYE_MS = 1_000;
const MAX_EPOCH = 0xffffffff;
const REFUSE_CODES: Readonly<Record<Refusal['reason'], RefuseCode>> = {
  none: 'WEIR_HUB_NO_TOKEN',
  bad: 'WEIR_HUB_BAD_TOKEN',
  forbidden: 'WEIR_HUB_FORBIDDEN',
  unknown: 'WEIR_HUB_TOKEN_UNKNOWN',
};

export interface HubOptions {
  /** Absent: every agent is let in. */
  readonly access?: Access;
  readonly maxAgents: number;
  readonly windowMs: number;
  readonly nowMs: () => number;
  readonly log: HubLog;
  readonly metrics: HubMetrics;
  /** An agent holds tables of this version: @returns the epoch to welcome it with, above every epoch it knows. */
  readonly epochAbove: (held: TableVersion) => number;
  readonly onReport: (report: Report) => void;
}

export interface HubLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface HubMetrics {
  agentCount(connected: number): void;
  report(): void;
  staleReport(): void;
  lostReports(count: number): void;
  badFrame(): void;
  refused(code: RefuseCode): void;
  acked(delayMs: number): void;
}

/** One connected agent, as the API shows it. */
export interface AgentView {
  readonly agentId: string;
  readonly node: string;
  readonly zone: string;
  readonly release: string;
  readonly remote: string;
  readonly connectedMs: number;
  readonly silentMs: number;
  readonly reports: number;
  readonly staleReports: number;
  readonly lostReports: number;
  readonly badFrames: number;
  readonly tableEpoch: number;
  readonly tableNumber: number;
}

export class Hub {
  private readonly options: HubOptions;
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  private readonly sessions = new Set<Session>();
  private readonly agentsById = new Map<string, Session>();
  private readonly events: SessionEvents;
  private tables: EncodedTables | undefined;
  private isClosed = false;

  constructor(options: HubOptions) {
    this.options = options;
    this.events = {
      nowMs: options.nowMs,
      onHello: (session, hello) => this.admit(session, hello),
      onReport: (_, report) => this.takeReport(report),
      onStaleReport: () => options.metrics.staleReport(),
      onBadFrame: (session, error) => this.complain(session, error),
      onAck: (_, delayMs) => options.metrics.acked(delayMs),
      onClose: (session) => this.forget(session),
    };
  }

  /** For the HTTP server's `upgrade` event. Paths that are not ours and browsers are turned away. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until it is a WebSocket nobody else listens, and an unheard error would end the process.
    socket.on('error', () => socket.destroy());
    // A browser says its origin, an agent has none: a web page must not report to a controller on its reader's machine.
    const status =
      request.url?.split('?')[0] !== AGENTS_PATH
        ? '404 Not Found'
        : request.headers.origin !== undefined
          ? '403 Forbidden'
          : undefined;
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    void this.refusalOf(request).then((refusal) => this.open(request, socket, head, refusal));
  }

  private async refusalOf({ headers }: IncomingMessage): Promise<Refusal | undefined> {
    return this.options.access?.refusal('agent', headers.authorization);
  }

  private open(request: IncomingMessage, socket: Duplex, head: Buffer, refusal: Refusal | undefined): void {
    // It hung up while its token was looked at, or the hub was closed.
    if (socket.destroyed || this.isClosed) {
      socket.destroy();
      return;
    }
    this.server.handleUpgrade(request, socket, head, (webSocket) => {
      const remote = request.socket.remoteAddress ?? '';
      const session = new Session(webSocket, remote, this.events);
      this.sessions.add(session);
      if (refusal) {
        this.refuse(session, REFUSE_CODES[refusal.reason], `an agent is not let in: ${refusal.message}`);
      } else if (this.sessions.size > this.options.maxAgents) {
        const message = `${this.options.maxAgents} agents are connected already, the most this controller takes`;
        this.refuse(session, 'WEIR_HUB_TOO_MANY_AGENTS', message);
      }
    });
  }

  /** Tables for everybody, also for who comes later. Sends only when they are not those sent last. */
  push(tables: Tables): void {
    const { epoch, number } = tables;
    if (this.tables?.epoch === epoch && this.tables.number === number) return;
    const encoded = encodeTables(tables);
    this.tables = encoded;
    for (const session of this.sessions) session.push(encoded);
  }

  /** What time alone brings about: late hellos, silent peers, acks that never came. Call it about once a second. */
  sweep(): void {
    const nowMs = this.options.nowMs();
    for (const session of this.sessions) {
      if (nowMs - session.heardMs >= DEAD_MS) session.terminate();
      else if (!session.hello && nowMs - session.openedMs >= HELLO_LIMIT_MS) {
        this.refuse(session, 'WEIR_HUB_NO_HELLO', `no hello came within ${HELLO_LIMIT_MS} ms`);
      } else {
        if (nowMs - session.heardMs >= PING_MS) session.ping();
        session.stopWaiting(ACK_LIMIT_MS);
      }
    }
  }

  agents(): readonly AgentView[] {
    const nowMs = this.options.nowMs();
    return [...this.agentsById.values()].flatMap((session) =>
      session.hello ? [viewOf(session, session.hello, nowMs)] : [],
    );
  }

  /** Says goodbye to everybody. Agents keep their tables and come back. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.server.close();
    const gone = [...this.sessions].map((session) => session.close(1001, 'the controller stops'));
    // A peer that never answers the close frame must not keep the process alive.
    const timer = setTimeout(() => this.terminateAll(), GOODBYE_MS);
    await Promise.all(gone);
    clearTimeout(timer);
  }

  private terminateAll(): void {
    for (const session of this.sessions) session.terminate();
  }

  private admit(session: Session, hello: Hello): { code: RefuseCode; message: string } | undefined {
    const held = { epoch: hello.tableEpoch, number: hello.tableNumber };
    if (held.epoch >= MAX_EPOCH) {
      const message = `agent ${hello.agentId} holds tables of epoch ${held.epoch}, above which there is none; delete its saved table`;
      this.options.metrics.refused('WEIR_HUB_EPOCH');
      return { code: 'WEIR_HUB_EPOCH', message };
    }
    // A raised epoch is pushed to everybody; whoever has no hello yet is left out, so that the welcome comes first.
    const epoch = this.options.epochAbove(held);
    session.hello = hello;
    const before = this.agentsById.get(hello.agentId);
    this.agentsById.set(hello.agentId, session);
    if (before) {
      this.refuse(before, 'WEIR_HUB_REPLACED', `agent ${hello.agentId} has connected anew from ${session.remote}`);
    }
    this.options.metrics.agentCount(this.agentsById.size);
    session.acked = held;
    session.welcome(epoch, this.options.windowMs);
    if (this.tables) session.push(this.tables);
    this.options.log.info(
      {
        event: 'agent_connected',
        agent: hello.agentId,
        node: hello.node,
        zone: hello.zone,
        release: hello.release,
        ...prefixed(held),
      },
      `agent ${hello.agentId} of zone ${hello.zone || 'unknown'} connected`,
    );
    return undefined;
  }

  private takeReport(report: Report): void {
    this.options.metrics.report();
    if (report.lostReports > 0) this.options.metrics.lostReports(report.lostReports);
    this.options.onReport(report);
  }

  private refuse(session: Session, code: RefuseCode, message: string): void {
    this.options.metrics.refused(code);
    this.options.log.warn(
      { event: 'agent_refused', code, remote: session.remote, agent: session.hello?.agentId },
      `${message}; refused`,
    );
    session.refuse(code, message);
  }

  private complain(session: Session, error: BadFrame): void {
    this.options.metrics.badFrame();
    const who = session.hello?.agentId ?? session.remote;
    this.options.log.warn(
      { event: 'bad_frame', code: error.code, agent: session.hello?.agentId, remote: session.remote },
      `a frame from ${who} was dropped: ${error.message}`,
    );
  }

  private forget(session: Session): void {
    this.sessions.delete(session);
    const agentId = session.hello?.agentId;
    if (agentId === undefined || this.agentsById.get(agentId) !== session) return;
    this.agentsById.delete(agentId);
    this.options.metrics.agentCount(this.agentsById.size);
    this.options.log.info(
      { event: 'agent_gone', agent: agentId },
      `agent ${agentId} is gone; its filters keep their weights until the ttl`,
    );
  }
}

function prefixed(held: TableVersion): { tableEpoch: number; tableNumber: number } {
  return { tableEpoch: held.epoch, tableNumber: held.number };
}

function viewOf(session: Session, hello: Hello, nowMs: number): AgentView {
  const { remote, reports, staleReports, lostReports, badFrames, acked } = session;
  return {
    agentId: hello.agentId,
    node: hello.node,
    zone: hello.zone,
    release: hello.release,
    remote,
    connectedMs: Math.round(nowMs - session.openedMs),
    silentMs: Math.round(nowMs - session.heardMs),
    reports,
    staleReports,
    lostReports,
    badFrames,
    tableEpoch: acked.epoch,
    tableNumber: acked.number,
  };
}
