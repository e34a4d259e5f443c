/**
 * The agent's two doors at once: filters' HTTP, with idle and slow senders beside, and a hostile controller. Then it must be
 * alive and well, as large as it was, and have counted every request and frame.
 */
import { join } from 'node:path';
import { Chance } from '../chance.ts';
import { Lingerers } from '../lingerers.ts';
import { checkFlat, Process, sumOf } from '../process.ts';
import { Connection } from './connection.ts';
import { HostileController } from './hostile-controller.ts';
import { type Request, Requests } from './requests.ts';

const SENDERS = 8;
/** Part of the frames that the hostile controller sends. */
const UPLINK_PART = 0.1;
/** Part of the frames after which memory is taken as warm. */
const WARM_PART = 0.3;
/** What 10,000 VMs, as many edges in a window and the pasts of 5,000 series may take, and garbage not yet collected. */
const SPARE_BYTES = 96 * 1_048_576;

export interface DoorOptions {
  readonly frames: number;
  readonly seed: number;
  readonly idleConnections: number;
  readonly slowConnections: number;
}

export interface DoorFigures {
  readonly frames: number;
  readonly taken: number;
  readonly refused: number;
  readonly warmRssBytes: number;
  readonly endRssBytes: number;
  readonly [more: string]: number;
}

/** @throws an error with the seed and step of what does not hold */
export async function fuzzAgent({ frames, seed, idleConnections, slowConnections }: DoorOptions): Promise<DoorFigures> {
  const uplinkFrames = Math.ceil(frames * UPLINK_PART);
  const requests = frames - uplinkFrames;
  const controller = await HostileController.start(new Chance(seed + 1), uplinkFrames);
  const agent = await Process.start({
    main: join('agent', 'main.js'),
    env: (folder) => ({
      WEIR_AGENT_LISTEN: '127.0.0.1:0',
      WEIR_AGENT_NODE: 'node-1',
      WEIR_AGENT_STATE_DIR: join(folder, 'state'),
      WEIR_AGENT_CONTROLLER: controller.url,
    }),
    portIn: (line) => (line.event === 'agent_started' ? Number(line.port) : undefined),
  });
  const lingerers = new Lingerers(agent.port, { idle: idleConnections, slow: slowConnections });
  try {
    const senders = new Senders(agent, new Requests(new Chance(seed)), seed);
    await senders.send(Math.ceil(requests * WARM_PART));
    const warmRssBytes = agent.rssBytes();
    await senders.send(requests);
    await agent.checkHealth();
    await lingerers.gone();
    while (!controller.isDone) await senders.pause();
    const endRssBytes = agent.rssBytes();
    await agent.checkHealth();
    checkFlat(warmRssBytes, endRssBytes, SPARE_BYTES);
    const metrics = await agent.metrics();
    const taken = sumOf(metrics, 'weir_agent_samples_total');
    const refused = sumOf(metrics, 'weir_agent_refused_requests_total');
    check('samples counted', taken, senders.expected.taken);
    check('refusals counted', refused, senders.expected.refused + lingerers.refused);
    check('bad frames counted', sumOf(metrics, 'weir_agent_controller_bad_frames_total'), controller.badFrames);
    check('faults', sumOf(metrics, 'weir_agent_faults_total'), 0);
    return {
      frames: senders.sent + controller.frames,
      taken,
      refused,
      warmRssBytes,
      endRssBytes,
      slowRefused: lingerers.refused,
      uplinkFrames: controller.frames,
      uplinkBadFrames: controller.badFrames,
      uplinkConnections: controller.connections,
      tablesAcknowledged: controller.acks,
      unanswered: senders.unanswered,
    };
  } catch (cause) {
    throw new Error(
      `the agent's door failed with seed ${seed}; again: npm run fuzz -- --only agent --frames ${frames} --seed ${seed}`,
      { cause },
    );
  } finally {
    lingerers.end();
    await agent.end();
    await controller.end();
  }
}

/** Connections that take turns at one stream of requests, so that the seed alone decides what is sent in which order. */
class Senders {
  sent = 0;
  /** Answers that were lost with their connection, which a refusal ends. */
  unanswered = 0;
  readonly expected = { taken: 0, refused: 0 };
  private readonly agent: Process;
  private readonly requests: Requests;
  private readonly seed: number;

  constructor(agent: Process, requests: Requests, seed: number) {
    this.agent = agent;
    this.requests = requests;
    this.seed = seed;
  }

  /** @param upTo requests in all */
  async send(upTo: number): Promise<void> {
    await Promise.all(Array.from({ length: SENDERS }, () => this.sendSome(upTo)));
  }

  async pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (!this.agent.isAlive) throw new Error(`the agent died; last words:\n${this.agent.lastOutput}`);
  }

  private async sendSome(upTo: number): Promise<void> {
    let connection: Connection | undefined;
    while (this.sent < upTo) {
      if (!connection?.isOpen) connection = new Connection(this.agent.port);
      const request = this.requests.next();
      this.sent += 1;
      await this.sendOne(connection, request, this.sent);
      if (request.isCut) {
        connection.end();
        connection = undefined;
      }
    }
    connection?.end();
  }

  private async sendOne(connection: Connection, request: Request, step: number): Promise<void> {
    const { bytes, statuses, isCut } = request;
    for (const right of statuses) this.expected[right.includes(204) ? 'taken' : 'refused'] += 1;
    const answers = await connection.send(bytes, statuses.length, isCut);
    this.unanswered += statuses.length - answers.length;
    for (const [i, answer] of answers.entries()) {
      if (statuses[i]?.includes(answer)) continue;
      const text = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
      throw new Error(
        `request ${step} of seed ${this.seed} got ${answer}, right is ${statuses[i]}: ${JSON.stringify(text)}`,
      );
    }
    if (answers.length < statuses.length && !this.agent.isAlive) {
      throw new Error(`the agent died at request ${step} of seed ${this.seed}; last words:\n${this.agent.lastOutput}`);
    }
  }
}

function check(what: string, counted: number, expected: number): void {
  if (counted !== expected) throw new Error(`${what}: ${counted}, sent were ${expected}`);
}
