/** The controller's process with L3's core in it: composition root of the peer `inverse-latency`. Stops at SIGTERM. */

import { runCore } from './around.ts';
import { createL3Core } from './l3-core.ts';

await runCore(createL3Core);
