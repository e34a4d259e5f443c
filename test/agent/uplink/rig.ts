/** An uplink with a real WebSocket server before it, its timers moved by hand, and everything it does seen. */
import { WebSocket } from 'ws';
import { createNotices } from '../../../agent/log.ts';
import { Outbox } from '../../../agent/uplink/outbox.ts';
import { Uplink, type UplinkOptions } from '../../../agent/uplink/uplink.ts';
import { MAX_FRAME_BYTES, type Tables } from '../../../controller/wire/messages.ts';
import { HandClock } from '../../support/clock.ts';
import { listening, type Said } from '../listening.ts';
import { PretendController, type PretendLine } from '../pretend-controller.ts';
import { reportOf } from '../sketch.ts';

export interface Rig {
  clock: HandClock;
  controller: PretendController;
  uplink: Uplink;
  outbox: Outbox;
  said: Said[];
  /** What happened, in order. */
  seen: string[];
  /** When the next thing of this name is seen. */
  next: (name: string) => Promise<void>;
  sockets: WebSocket[];
  taken: Tables[];
}

export const waiting = (sequence: number) => ({ report: reportOf(sequence), bytes: 100 });

export async function open(context: Rig, more: Partial<UplinkOptions> = {}, outboxReports = 10): Promise<void> {
  const clock = new HandClock();
  const controller = await PretendController.start();
  const { url } = controller;
  const { log, said } = listening();
  const seen: string[] = [];
  const waiters: { name: string; resolve: () => void }[] = [];
  const see = (name: string) => {
    seen.push(name);
    for (const waiter of waiters.splice(0)) {
      if (waiter.name === name) waiter.resolve();
      else waiters.push(waiter);
    }
  };
  const sockets: WebSocket[] = [];
  const taken: Tables[] = [];
  const outbox = new Outbox(outboxReports);
  const uplink = new Uplink({
    url,
    connect: () => {
      const socket = new WebSocket(url, { maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
      // After the uplink's own listener, so that what is seen has been done.
      queueMicrotask(() => socket.on('close', () => see('closed')));
      sockets.push(socket);
      return socket;
    },
    clock,
    random: () => 1,
    log,
    notices: createNotices(log, clock.nowMs),
    outbox,
    hello: () => ({
      agentId: 'node-1',
      node: 'node-1',
      zone: 'zone-a',
      release: '0.1.0',
      tableEpoch: 4,
      tableNumber: 2,
    }),
    admits: (epoch) => epoch >= 5,
    onWelcome: ({ windowMs }) => see(`welcome ${windowMs}`),
    onTables: async (tables) => {
      taken.push(tables);
      return tables.epoch >= 5;
    },
    onAlive: () => see('alive'),
    count: { badFrames: () => see('bad frame'), connects: () => see('connect'), sentReports: () => see('sent') },
    ...more,
  });
  const next = (name: string) => new Promise<void>((resolve) => waiters.push({ name, resolve }));
  Object.assign(context, { clock, controller, uplink, outbox, said, seen, next, sockets, taken });
}

export const count = ({ seen }: Rig, name: string) => seen.filter((each) => each === name).length;
export const events = ({ said }: Rig) => said.map(({ event }) => event);

/** Starts it and welcomes it. */
export async function connected(context: Rig): Promise<PretendLine> {
  const welcomed = context.next('welcome 1000');
  context.uplink.start();
  const line = await context.controller.welcome();
  await welcomed;
  return line;
}

export async function shut(context: Rig): Promise<void> {
  await context.uplink.close();
  await context.controller.close();
}
