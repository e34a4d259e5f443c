/** A route for a test, from its document. */
import { parseRoutes } from '../../../controller/routes/parse.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';

/** @param document YAML, or the object that it says @throws Error where it holds no route */
export function oneRoute(document: string | object): AdaptiveRoute {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  const [route] = parseRoutes(text, 'test.yaml');
  if (!route) throw new Error('the route of the test is empty');
  return route;
}
