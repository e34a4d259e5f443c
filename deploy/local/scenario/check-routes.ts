/**
 * Whether the controller will take the AdaptiveRoutes of a scenario, asked of the controller's own parser, and whether they
 * name what the mesh has. Pure.
 */

import { stringify } from 'yaml';
import type { Problem } from '../../../controller/routes/explain.ts';
import { parseAll, RouteError } from '../../../controller/routes/parse.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { clusterOf } from '../envoy/bootstrap.ts';
import { type Path, problem, unknown } from './problems.ts';
import { madeRoutes } from './routes.ts';
import type { Scenario } from './schema.ts';

export function checkRoutes(scenario: Scenario): Problem[] {
  const named = scenario.routes.flatMap((route, i) => checkNames(scenario, route, ['routes', i]));
  if (named.length > 0) return named;
  return [
    ...scenario.routes.flatMap((route, i) => checkDocument(route, ['routes', i])),
    ...madeRoutes(scenario).flatMap(({ route, index }) => checkDocument(route, ['services', index, 'route'])),
  ];
}

function checkNames(scenario: Scenario, { spec }: AdaptiveRoute, path: Path): Problem[] {
  const service = scenario.services.find(({ name, port }) => name === spec.host && port === spec.port);
  if (!service) {
    const known = scenario.services.map(({ name, port }) => `${name}:${port}`);
    return unknown([...path, 'spec', 'host'], `${spec.host}:${spec.port}`, known, 'service');
  }
  const names = service.backends.map((backend) => backend.name);
  const first = scenario.routes.findIndex((other) => other.spec.host === spec.host && other.spec.port === spec.port);
  return [
    ...(service.route || service.steered
      ? [problem([...path, 'spec', 'host'], `is ${spec.host}, which has route or steered in services too; keep one`)]
      : []),
    ...(scenario.routes[first]?.spec === spec
      ? []
      : [problem([...path, 'spec', 'host'], `is ${spec.host}, which has routes[${first}] already; a service has one`)]),
    ...names
      .filter((name) => !spec.backends.some((backend) => backend.name === name))
      .map((name) => problem([...path, 'spec', 'backends'], `lack ${name}, a backend of ${service.name}`)),
    ...spec.backends.flatMap((backend, j) => {
      const unknownName = unknown([...path, 'spec', 'backends', j, 'name'], backend.name, names, 'backend');
      const cluster = clusterOf({ host: service.name, port: service.port }, backend.name);
      return unknownName.length > 0 || backend.cluster === cluster
        ? unknownName
        : [problem([...path, 'spec', 'backends', j, 'cluster'], `is ${backend.cluster}; here it must be ${cluster}`)];
    }),
  ];
}

function checkDocument(route: AdaptiveRoute, path: Path): Problem[] {
  try {
    parseAll([{ text: stringify(route), name: 'route' }]);
    return [];
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    // Its sentences begin with a place in the text made just now, which nobody has seen.
    return error.problems.map((sentence) =>
      problem(path, `is refused: ${sentence.replace(/^route:\d+: AdaptiveRoute \S+: /, '')}`),
    );
  }
}
