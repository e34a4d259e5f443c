/** The controller's process with fixed weights in it: composition root of the set-up `oracle`. Stops at SIGTERM. */
import { systemClock } from '../../../controller/clock.ts';
import { parseConfig } from '../../../controller/config.ts';
import { makeLog } from '../../../controller/log.ts';
import { readRelease } from '../../../controller/release.ts';
import { Server } from '../../../controller/server.ts';
import { createOracleCore } from './oracle-core.ts';

const config = parseConfig(process.env);
const server = new Server({
  config,
  clock: systemClock,
  log: makeLog(config.logLevel),
  release: readRelease(),
  createCore: createOracleCore,
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.close());
await server.start();
