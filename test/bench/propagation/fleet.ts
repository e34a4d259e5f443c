/** The processes: controller, agents and Envoys, started as `npm start` starts them, and the backends, which live in here. */
import { mkdirSync, rmSync } from 'node:fs';
import { startEnvoy } from '../../../deploy/local/envoy/process.ts';
import { Children } from '../../../deploy/local/mesh/children.ts';
import { Weir, wasmPath } from '../../../deploy/local/mesh/weir.ts';
import { Origins } from './origins.ts';
import { placesOf, propagationScenario, sidecarAt } from './plan.ts';
import type { ProbeTarget } from './prober.ts';

export interface Fleet {
  /** Of the controller. */
  readonly apiUrl: string;
  readonly envoys: readonly ProbeTarget[];
  /** Stops everything; no process is left when it resolves. */
  close(): Promise<void>;
}

/**
 * @param directory for configurations, logs and the controller's store; begun anew
 * @param stopping is aborted by whoever wants it to end, and here when a process ends by itself
 * @throws Error when something does not start; nothing is left running then
 */
export async function startFleet(envoy: string, directory: string, stopping: AbortController): Promise<Fleet> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const origins = new Origins();
  const children = new Children((child, how) => {
    stopping.abort(new Error(`${child.name} ended by itself (${how}); its log is in ${directory}`));
  });
  const close = async () => {
    await children.stop();
    await origins.close();
  };
  const aborted = new Promise<never>((_, reject) => {
    stopping.signal.addEventListener('abort', () => reject(stopping.signal.reason), { once: true });
  });
  aborted.catch(() => {});
  const start = async () => {
    const scenario = propagationScenario();
    const portOf = { a: await origins.open('a'), b: await origins.open('b') };
    const weir = await Weir.start(children, scenario, directory);
    const envoys = await Promise.all(
      placesOf(scenario).map(async (place) => {
        const sidecar = sidecarAt(place, scenario, portOf, { wasmPath, agentPort: weir.agentPort(place.node) });
        const { listenerPort } = await startEnvoy(children, envoy, directory, place.name, sidecar);
        return { name: place.name, port: listenerPort };
      }),
    );
    return { apiUrl: weir.apiUrl, envoys, close };
  };
  const starting = start();
  // When it is stopped first, what is still starting fails after nobody waits for it.
  starting.catch(() => {});
  try {
    return await Promise.race([starting, aborted]);
  } catch (error) {
    await close();
    throw error;
  }
}
