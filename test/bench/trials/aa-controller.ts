/** The controller's process for A/A trials: the shipped one around the core of aa-core.ts. Stops at SIGTERM. */

import { runCore } from '../peers/around.ts';
import { createAaCore } from './aa-core.ts';

await runCore(createAaCore);
