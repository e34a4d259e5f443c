/**
 * Where the search begins: weights that a person who knows the scenario would try first. Each also with the backends that break
 * during the scenario left out. Pure.
 */
import { rateSteps } from '../../../deploy/local/load/rate.ts';
import type { ReadScenario } from '../../../deploy/local/scenario/read.ts';
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';
import type { Backend, Service } from '../../../deploy/local/scenario/service-schema.ts';
import { weightsOf } from '../../../deploy/local/scenario/weights.ts';
import { faultsOf } from '../../../deploy/local/show/faults.ts';
import { type Candidate, type Lane, wholeWeights } from './candidate.ts';

/** Water-filling fills a zone to this part of what it bears, or to the mesh's own level where that is higher. */
const FULL_RATIO = 0.7;

/** Mean requests per second by caller zone. */
type ZoneLoads = ReadonlyMap<string, number>;
/** Parts for the backends of a service, in their order, for callers of one zone. */
type Way = (service: Service, zone: string, loads: ZoneLoads) => number[];

/** Without repetition, the scenario's own weights first. */
export function startsOf(read: ReadScenario, lanes: readonly Lane[]): Candidate[] {
  const { scenario } = read;
  const broken = [...new Set(faultsOf(scenario).map(({ backend }) => backend))];
  const leftOut = [
    [],
    ...(broken.length > 0 ? [broken] : []),
    ...(broken.length > 1 ? broken.map((one) => [one]) : []),
  ];
  const starts = leftOut.flatMap((without) =>
    ways.map((way) => {
      const all = without.length === 0 ? way : leaving(way, new Set(without));
      const loads = loadsOf(read, all);
      return lanes.map(({ service, group }) => wholeWeights(all(service, group, loads.get(service.name) ?? new Map())));
    }),
  );
  const byText = new Map(starts.map((start) => [JSON.stringify(start), start]));
  return [...byText.values()];
}

/** Requests per second that a backend bears. */
export function capacityRps({ endpoints, concurrency, serviceTime, errorRatio }: Backend): number {
  return ((endpoints * concurrency * 1000) / serviceTime.meanMs) * (1 - errorRatio);
}

const asGiven: Way = (service) => weightsOf(service);

const byCapacity: Way = (service) => service.backends.map(capacityRps);

const ownZone: Way = (service, zone, loads) => {
  const own = service.backends.map((backend) => (backend.zone === zone ? capacityRps(backend) : 0));
  return own.some((part) => part > 0) ? own : byCapacity(service, zone, loads);
};

/** Own zone up to what it bears, what is over to the others by the room that is left there. */
const waterFilling: Way = (service, zone, loads) => {
  const zones = new Set([...loads.keys(), ...service.backends.map((backend) => backend.zone)]);
  const bears = new Map([...zones].map((each) => [each, bearsRps(service, each)]));
  const level = Math.max(FULL_RATIO, sum(loads.values()) / sum(bears.values()));
  const roomOf = (each: string) => Math.max(0, (bears.get(each) ?? 0) * level - (loads.get(each) ?? 0));
  const loadRps = loads.get(zone) ?? 0;
  const keptRps = Math.min(loadRps, (bears.get(zone) ?? 0) * level);
  const others = [...zones].filter((each) => each !== zone);
  const roomRps = others.reduce((total, each) => total + roomOf(each), 0);
  if (loadRps === 0) return ownZone(service, zone, loads);
  if (keptRps < loadRps && roomRps === 0) return byCapacity(service, zone, loads);
  return service.backends.map((backend) => {
    const zoneRps = backend.zone === zone ? keptRps : ((loadRps - keptRps) * roomOf(backend.zone)) / (roomRps || 1);
    const inZone = bears.get(backend.zone) ?? 0;
    return inZone > 0 ? (zoneRps * capacityRps(backend)) / inZone : 0;
  });
};

const ways: readonly Way[] = [asGiven, byCapacity, ownZone, waterFilling];

/** The way over the backends that are left; over all where none is. */
function leaving(way: Way, without: ReadonlySet<string>): Way {
  return (service, zone, loads) => {
    const isLeft = service.backends.map(({ name }) => !without.has(`${service.name}/${name}`));
    if (!isLeft.includes(true)) return way(service, zone, loads);
    const parts = way({ ...service, backends: service.backends.filter((_, i) => isLeft[i]) }, zone, loads);
    let next = 0;
    return isLeft.map((is) => (is ? (parts[next++] ?? 0) : 0));
  };
}

/** What each service is asked by callers of each zone, if calls go that way. */
function loadsOf({ scenario, rates }: ReadScenario, way: Way): Map<string, Map<string, number>> {
  const loads = new Map<string, Map<string, number>>();
  const add = (service: string, zone: string, rps: number) => {
    const byZone = loads.get(service) ?? new Map<string, number>();
    loads.set(service, byZone.set(zone, (byZone.get(zone) ?? 0) + rps));
  };
  for (const [i, load] of scenario.load.entries()) {
    const steps = rateSteps(scenario, load, rates[i] ?? []);
    add(load.service, load.zone, sum(steps) / Math.max(1, steps.length));
  }
  for (const service of callersFirst(scenario)) {
    const byZone = loads.get(service.name) ?? new Map<string, number>();
    for (const [zone, rps] of byZone) {
      const parts = way(service, zone, byZone);
      for (const [j, backend] of service.backends.entries()) {
        const backendRps = (rps * (parts[j] ?? 0)) / (sum(parts) || 1);
        for (const call of service.calls.flat())
          add(call.service, backend.zone, backendRps * call.count * call.probability);
      }
    }
  }
  return loads;
}

/** Calls go in no circle, as the scenario was checked. */
function callersFirst({ services }: Scenario): Service[] {
  const ordered: Service[] = [];
  const visit = (service: Service) => {
    if (ordered.includes(service)) return;
    for (const name of service.calls.flat().map((call) => call.service)) {
      const callee = services.find((each) => each.name === name);
      if (callee) visit(callee);
    }
    ordered.push(service);
  };
  services.forEach(visit);
  return ordered.reverse();
}

function bearsRps({ backends }: Service, zone: string): number {
  return sum(backends.filter((backend) => backend.zone === zone).map(capacityRps));
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
