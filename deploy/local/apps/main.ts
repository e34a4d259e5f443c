/** The apps of one node: every endpoint that stands there, in one process, each with its port and the wires to it. */
import { type Answer, Caller } from './caller.ts';
import { Endpoint } from './endpoint.ts';
import { type CallRecord, type EndpointPorts, type ToApps, tellParent } from './messages.ts';
import { type Relay, startRelay, type Timing } from './relay.ts';

/** How often counted calls are sent to the parent. */
const SEND_EVERY_MS = 250;

interface Placed {
  readonly service: string;
  readonly backend: string;
  readonly index: number;
  readonly endpoint: Endpoint;
  readonly openWires: () => Promise<Readonly<Record<string, number>>>;
  readonly closeWires: () => Promise<void>;
}

const timing: Timing = {
  nowMs: () => performance.now(),
  after: (ms, act) => {
    setTimeout(act, Math.round(ms));
  },
};
const placed: Placed[] = [];
const callers = new Map<string, Caller>();
/** One-way latency by zone pair, in either order. */
const wireMs = new Map<string, number>();
let calls: CallRecord[] = [];

process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToApps) => {
  void obey(message);
});
setInterval(() => {
  if (calls.length === 0) return;
  tellParent({ type: 'calls', calls });
  calls = [];
}, SEND_EVERY_MS);

async function obey(message: ToApps): Promise<void> {
  switch (message.type) {
    case 'open':
      return tellParent({ type: 'opened', ports: await openAll(message) });
    case 'sidecars':
      for (const [service, port] of Object.entries(message.portByService)) callers.get(service)?.useSidecar(port);
      return;
    case 'wire':
      setWire(message.between, message.oneWayMs);
      return;
    case 'change':
      await Promise.all(
        placed.filter((place) => isMeant(place, message)).map((place) => change(place, message.change)),
      );
  }
}

async function openAll(order: Extract<ToApps, { type: 'open' }>): Promise<EndpointPorts[]> {
  const { scenario, seed, node } = order;
  const zone = scenario.nodes.find((candidate) => candidate.name === node)?.zone ?? '';
  const hosts = new Map(scenario.services.map((service) => [service.name, `${service.name}:${service.port}`]));
  for (const wire of scenario.wire) setWire(wire.between, wire.oneWayMs);
  const ports: EndpointPorts[] = [];
  for (const { service: name, backend: backendName, index } of order.endpoints) {
    const service = scenario.services.find((candidate) => candidate.name === name);
    const backend = service?.backends.find((candidate) => candidate.name === backendName);
    if (!service || !backend) continue;
    const makesCalls = service.calls.length > 0;
    if (makesCalls && !callers.has(name)) {
      const note = ({ cluster, status, latencyMs }: Answer) => calls.push({ cluster, status, latencyMs, zone });
      callers.set(name, new Caller(hosts, note, timing.nowMs));
    }
    const endpoint = new Endpoint({
      service: name,
      backend,
      calls: service.calls,
      holdsSlot: service.holdsSlot,
      seed,
      caller: makesCalls ? callers.get(name) : undefined,
      after: timing.after,
    });
    const port = await endpoint.open();
    const wires = wiresTo(
      port,
      zone,
      scenario.zones.filter((other) => other !== zone),
    );
    placed.push({
      service: name,
      backend: backendName,
      index,
      endpoint,
      openWires: wires.open,
      closeWires: wires.close,
    });
    ports.push({ service: name, backend: backendName, index, port, portByZone: await wires.open() });
  }
  return ports;
}

/** The relays before one endpoint, one for callers of each other zone; reopened on the same ports. */
function wiresTo(port: number, zone: string, others: readonly string[]) {
  const portByZone: Record<string, number> = {};
  let relays: Relay[] = [];
  return {
    open: async () => {
      for (const other of others) {
        const relay = await startRelay(port, () => wireMs.get(`${other} ${zone}`) ?? 0, timing, portByZone[other] ?? 0);
        portByZone[other] = relay.port;
        relays.push(relay);
      }
      return portByZone;
    },
    close: async () => {
      const closing = relays.map((relay) => relay.close());
      relays = [];
      await Promise.all(closing);
    },
  };
}

async function change(place: Placed, what: Extract<ToApps, { type: 'change' }>['change']): Promise<void> {
  const wasUp = place.endpoint.isUp();
  if (what === 'heal') await place.endpoint.heal();
  else await place.endpoint.change(what);
  // What is down refuses callers of every zone, so the wires go down with it.
  if (wasUp && !place.endpoint.isUp()) await place.closeWires();
  if (!wasUp && place.endpoint.isUp()) await place.openWires();
}

function isMeant(place: Placed, { service, backend, index }: Extract<ToApps, { type: 'change' }>): boolean {
  return place.service === service && place.backend === backend && (index === undefined || place.index === index);
}

function setWire(between: readonly string[], oneWayMs: number): void {
  const [a, b] = between;
  wireMs.set(`${a} ${b}`, oneWayMs);
  wireMs.set(`${b} ${a}`, oneWayMs);
}
