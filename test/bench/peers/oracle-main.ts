/** The controller's process with fixed weights in it: composition root of the set-up `oracle`. Stops at SIGTERM. */

import { runCore } from './around.ts';
import { createOracleCore } from './oracle-core.ts';

await runCore(createOracleCore);
