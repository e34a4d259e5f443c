/** The controller's process for A/A trials: the shipped one around the core of aa-core.ts. Stops at SIGTERM. */
import { systemClock } from '../../../controller/clock.ts';
import { parseConfig } from '../../../controller/config.ts';
import { makeLog } from '../../../controller/log.ts';
import { readRelease } from '../../../controller/release.ts';
import { Server } from '../../../controller/server.ts';
import { createAaCore } from './aa-core.ts';

const config = parseConfig(process.env);
const server = new Server({
  config,
  clock: systemClock,
  log: makeLog(config.logLevel),
  release: readRelease(),
  createCore: createAaCore,
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
await server.start();
