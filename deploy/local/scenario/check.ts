/** What the schema cannot say: names that must exist, keys that belong together, call trees that must end. Pure. */
import type { Problem } from '../../../controller/routes/explain.ts';
import { checkEvent } from './check-event.ts';
import { checkLoad } from './check-load.ts';
import { checkRoutes } from './check-routes.ts';
import { checkServiceTime } from './check-service-time.ts';
import { checkPair, type Path, problem, twice, unknown } from './problems.ts';
import type { Scenario } from './schema.ts';
import type { Service } from './service-schema.ts';

/** Empty when the scenario can be run. */
export function checkScenario(scenario: Scenario): Problem[] {
  // What follows finds zones and services by name.
  const places = checkPlaces(scenario);
  if (places.length > 0) return places;
  const found = [
    ...scenario.services.flatMap((service, i) => checkService(scenario, service, ['services', i])),
    ...checkCycles(scenario),
    ...scenario.load.flatMap((load, i) => checkLoad(scenario, load, ['load', i])),
    ...scenario.events.flatMap((event, i) => checkEvent(scenario, event, ['events', i])),
  ];
  // Routes are made from services: what is wrong there would be said twice.
  return found.length > 0 ? found : checkRoutes(scenario);
}

function checkPlaces(scenario: Scenario): Problem[] {
  const { zones, nodes, services, wire } = scenario;
  const names = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name);
  return [
    ...twice(['zones'], zones),
    ...twice(['nodes'], names(nodes), 'name'),
    ...twice(['services'], names(services), 'name'),
    ...nodes.flatMap((node, i) => unknown(['nodes', i, 'zone'], node.zone, zones, 'zone')),
    ...zones.flatMap((zone, i) =>
      nodes.some((node) => node.zone === zone) ? [] : [problem(['zones', i], `is ${zone}, which no node stands in`)],
    ),
    ...wire.flatMap(({ between }, i) => checkPair(zones, between, ['wire', i, 'between'])),
  ];
}

function checkService(scenario: Scenario, service: Service, path: Path): Problem[] {
  const { backends, calls } = service;
  const names = scenario.services.map((other) => other.name);
  const weights = backends.map((backend) => backend.weight);
  const weighted = weights.filter((weight) => weight !== undefined);
  const sum = weighted.reduce((total, weight) => total + weight, 0);
  return [
    ...twice(
      [...path, 'backends'],
      backends.map(({ name }) => name),
      'name',
    ),
    ...backends.flatMap((backend, i) => [
      ...unknown([...path, 'backends', i, 'zone'], backend.zone, scenario.zones, 'zone'),
      ...checkServiceTime(backend.serviceTime, [...path, 'backends', i, 'serviceTime']),
    ]),
    ...calls.flatMap((stage, i) =>
      stage.flatMap((call, j) => unknown([...path, 'calls', i, j, 'service'], call.service, names, 'service')),
    ),
    ...(weighted.length > 0 && weighted.length < weights.length
      ? [
          problem(
            [...path, 'backends', weights.indexOf(undefined)],
            'has no weight; give one to every backend or to none',
          ),
        ]
      : []),
    ...(weighted.length > 0 && weighted.length === weights.length && sum !== 10_000
      ? [problem([...path, 'backends'], `have weights that sum to ${sum}; they must sum to 10000`)]
      : []),
  ];
}

function checkCycles(scenario: Scenario): Problem[] {
  const done = new Set<string>();
  const problems: Problem[] = [];
  const visit = (name: string, above: readonly string[]) => {
    if (above.includes(name)) {
      const circle = [...above.slice(above.indexOf(name)), name].join(' → ');
      const last = scenario.services.findIndex((service) => service.name === above.at(-1));
      problems.push(problem(['services', last, 'calls'], `go in a circle: ${circle}; a call tree must end`));
      return;
    }
    if (done.has(name)) return;
    const service = scenario.services.find((candidate) => candidate.name === name);
    for (const callee of new Set(service?.calls.flat().map((call) => call.service))) visit(callee, [...above, name]);
    done.add(name);
  };
  for (const service of scenario.services) visit(service.name, []);
  return problems;
}
