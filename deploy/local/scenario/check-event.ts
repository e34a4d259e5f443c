/** Which keys of an event belong together, and whether what it happens to exists. Pure. */
import type { Problem } from '../../../controller/routes/explain.ts';
import { checkServiceTime } from './check-service-time.ts';
import { checkPair, type Path, problem, unknown } from './problems.ts';
import type { Event, Scenario } from './schema.ts';

export function checkEvent(scenario: Scenario, event: Event, path: Path): Problem[] {
  const kinds = (['backend', 'load', 'wire'] as const).filter((key) => event[key] !== undefined);
  const problems: Problem[] = [];
  if (kinds.length !== 1) {
    const has = kinds.length === 0 ? 'none' : kinds.join(' and ');
    problems.push(problem(path, `has ${has} of backend, load and wire; it must have exactly one`));
  }
  if (event.atS > scenario.durationS) {
    problems.push(problem([...path, 'atS'], `is ${event.atS}; it must be at most durationS, ${scenario.durationS}`));
  }
  if (event.backend !== undefined) problems.push(...checkBackend(scenario, event, path));
  else {
    for (const key of ['change', 'heal', 'endpoint'] as const) {
      if (event[key] !== undefined) problems.push(problem([...path, key], 'belongs to an event with backend'));
    }
  }
  if (event.wire) problems.push(...checkPair(scenario.zones, event.wire.between, [...path, 'wire', 'between']));
  if (event.load?.zone !== undefined) {
    problems.push(...unknown([...path, 'load', 'zone'], event.load.zone, scenario.zones, 'zone'));
  }
  return problems;
}

function checkBackend(scenario: Scenario, event: Event, path: Path): Problem[] {
  const all = scenario.services.flatMap((service) =>
    service.backends.map((backend) => ({ name: `${service.name}/${backend.name}`, count: backend.endpoints })),
  );
  const known = all.map(({ name }) => name);
  const count = all.find(({ name }) => name === event.backend)?.count;
  const problems = unknown([...path, 'backend'], event.backend ?? '', known, 'service/backend');
  if (event.endpoint !== undefined && count !== undefined && event.endpoint >= count) {
    const allowed = count === 1 ? 'its one endpoint is 0' : `its endpoints are 0 to ${count - 1}`;
    problems.push(problem([...path, 'endpoint'], `is ${event.endpoint}; ${event.backend}: ${allowed}`));
  }
  if ((event.change === undefined) === (event.heal !== true)) {
    problems.push(
      problem(
        path,
        `has ${event.change ? 'both change and heal' : 'neither change nor heal: true'}; it must have one of them`,
      ),
    );
  }
  if (event.change?.serviceTime)
    problems.push(...checkServiceTime(event.change.serviceTime, [...path, 'change', 'serviceTime']));
  if (event.change && Object.keys(event.change).length === 0) {
    problems.push(problem([...path, 'change'], 'is empty; it must say what changes'));
  }
  return problems;
}
