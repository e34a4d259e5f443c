/**
 * The load generator, a process of its own so that nothing else delays it. Sends each request at its intended time whatever
 * became of those before, and measures from that time: what waited in here counts as waited. How late it was itself goes into
 * each record, so that a machine too busy to be believed is found out.
 */
import { Caller } from '../apps/caller.ts';
import { type RequestRecord, type ToLoad, tellParent } from '../apps/messages.ts';
import { chanceOf } from '../random.ts';
import { arrivalsOf } from './arrivals.ts';

/** Requests outstanding at once; one more is a failure (status 0) at once, so that a stuck mesh cannot eat the memory. */
const MAX_OUTSTANDING = 20_000;
const SEND_EVERY_MS = 250;
/** Time between the order to go and the first arrival of the warm-up. */
const LEAD_MS = 200;

let done: RequestRecord[] = [];

process.on('disconnect', () => process.exit(0));
process.once('message', (message: ToLoad) => {
  void run(message);
});

interface Arrival {
  readonly id: number;
  readonly atMs: number;
  readonly zone: string;
  readonly service: string;
}

async function run(order: ToLoad): Promise<void> {
  const playedWarmupS = Math.min(order.warmupS, order.playedWarmupS ?? order.warmupS);
  const arrivals = plan(order).filter(({ atMs }) => atMs >= -playedWarmupS * 1000);
  const callers = callersOf(order);
  const flushing = setInterval(flush, SEND_EVERY_MS);
  const zeroMs = performance.now() + LEAD_MS + playedWarmupS * 1000;
  tellParent({ type: 'started', zeroEpochMs: performance.timeOrigin + zeroMs });
  const outstanding = new Set<Promise<void>>();
  for (const arrival of arrivals) {
    const waitMs = zeroMs + arrival.atMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (outstanding.size >= MAX_OUTSTANDING) {
      const { id, atMs, zone } = arrival;
      done.push({ id, atMs, zone, latencyMs: 0, lagMs: 0, status: 0, cluster: '', path: '' });
      continue;
    }
    const sent = send(callers.get(arrival.zone), arrival, zeroMs + arrival.atMs);
    outstanding.add(sent);
    void sent.then(() => outstanding.delete(sent));
  }
  await Promise.all(outstanding);
  clearInterval(flushing);
  flush();
  tellParent({ type: 'done' });
}

/** All loads in one order, so that a request's number follows from the seed alone. */
function plan({ plans, seed, warmupS }: ToLoad): Arrival[] {
  return plans
    .flatMap((one, i) => {
      const times = arrivalsOf(one, warmupS, chanceOf(seed, `arrivals ${i}`));
      return times.map((atMs) => ({ atMs, zone: one.zone, service: one.service }));
    })
    .sort((a, b) => a.atMs - b.atMs)
    .map((arrival, id) => ({ id, ...arrival }));
}

function callersOf({ hosts, gatewayPorts }: ToLoad): ReadonlyMap<string, Caller> {
  const byName = new Map(Object.entries(hosts));
  return new Map(
    Object.entries(gatewayPorts).map(([zone, port]) => {
      const caller = new Caller(
        byName,
        () => {},
        () => performance.now(),
      );
      caller.useSidecar(port);
      return [zone, caller];
    }),
  );
}

async function send(caller: Caller | undefined, arrival: Arrival, intendedMs: number): Promise<void> {
  if (!caller) return;
  const { id, atMs, zone, service } = arrival;
  const sentMs = performance.now();
  const { status, cluster, path } = await caller.call(service, String(id));
  // Timers fire up to 1 ms early; that is no time saved.
  const latencyMs = performance.now() - Math.min(intendedMs, sentMs);
  done.push({ id, atMs, zone, latencyMs, lagMs: Math.max(0, sentMs - intendedMs), status, cluster, path });
}

function flush(): void {
  if (done.length === 0) return;
  tellParent({ type: 'requests', requests: done });
  done = [];
}
