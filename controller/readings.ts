/** What the API shows of the process: the core's picture of the mesh, beside what configuration says of it. */
import type { Readings } from './api/read.ts';
import type { Controller, Instant } from './controller.ts';
import { type Configured, markConfigured, readConfigured } from './graph/configured.ts';
import type { Hub } from './hub/hub.ts';
import type { SteadyStore } from './store/steady.ts';
import type { Tables } from './wire/messages.ts';

export interface ReadingSources {
  readonly core: Pick<Controller, 'graph' | 'services' | 'demand' | 'routes' | 'called'>;
  readonly hub: Pick<Hub, 'agents'>;
  readonly store: Pick<SteadyStore, 'decisions'>;
  readonly tables: () => Tables;
  readonly now: () => Instant;
  /** What the API server says of the mesh, undefined until it has. */
  readonly configured: () => Configured | undefined;
}

export function readingsOf({ core, hub, store, tables, now, configured }: ReadingSources): Readings {
  return {
    graph: () => {
      const known = configured();
      return known ? markConfigured(core.graph(), known) : core.graph();
    },
    configured: () => {
      const known = configured();
      return known && readConfigured(known, core.graph(), core.called());
    },
    services: () => core.services(now()),
    demand: ({ service, backend }) => core.demand(service, backend, now()),
    routes: () => core.routes(),
    called: () => core.called(),
    tables,
    agents: () => hub.agents(),
    decisions: (query) => store.decisions(query),
  };
}
