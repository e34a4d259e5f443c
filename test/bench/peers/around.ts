/** What cores that stand in the controller's place have in common: all that they leave to an inner one, and their process. */
import { systemClock } from '../../../controller/clock.ts';
import { parseConfig } from '../../../controller/config.ts';
import type { Controller } from '../../../controller/controller.ts';
import { makeLog } from '../../../controller/log.ts';
import { readRelease } from '../../../controller/release.ts';
import type { AdaptiveRoute } from '../../../controller/routes/route.ts';
import { type Core, Server, type ServerOptions } from '../../../controller/server.ts';

/** The inner controller as a core, for others to replace what they do otherwise. */
export function coreAround(inner: Controller): Core {
  return {
    observe: (...args) => inner.observe(...args),
    tick: (...args) => inner.tick(...args),
    tables: () => inner.tables(),
    setRoutes: (...args) => inner.setRoutes(...args),
    freeze: (...args) => inner.freeze(...args),
    unfreeze: (...args) => inner.unfreeze(...args),
    pin: (...args) => inner.pin(...args),
    unpin: (...args) => inner.unpin(...args),
    revert: (...args) => inner.revert(...args),
    graph: () => inner.graph(),
    services: (...args) => inner.services(...args),
    demand: (...args) => inner.demand(...args),
    routes: () => inner.routes(),
    called: () => inner.called(),
    states: (...args) => inner.states(...args),
  };
}

/** The route as an inner controller gets it that keeps the figures and decides nothing. */
export function lookOn(route: AdaptiveRoute): AdaptiveRoute {
  return { ...route, spec: { ...route.spec, mode: 'observe' } };
}

/** The controller's process with another core in it. Stops at SIGTERM. */
export async function runCore(createCore: ServerOptions['createCore']): Promise<void> {
  const config = parseConfig(process.env);
  const log = makeLog(config.logLevel);
  const server = new Server({ config, clock: systemClock, log, release: readRelease(), createCore });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
  await server.start();
}
