/** The controller's composition root: environment in, running process out. `node dist/controller/main.js` or `weir controller`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, clusterOf, parseConfig } from './config.ts';
import { Controller } from './controller.ts';
import { type Log, makeLog } from './log.ts';
import { readRelease } from './release.ts';
import { RouteError } from './routes/parse.ts';
import type { OpenRoutes } from './routes/source.ts';
import { Server } from './server.ts';

/**
 * Starts the controller and stops it at SIGTERM or SIGINT; SIGHUP reads the routes again.
 * @returns once it listens
 * @throws ConfigError, RouteError, or what the operating system says of the port
 */
export async function main(env: NodeJS.ProcessEnv): Promise<Server> {
  const config = parseConfig(env);
  const log = makeLog(config.logLevel);
  const openRoutes = await openCluster(config, log);
  const server = new Server({
    config,
    clock: systemClock,
    log,
    release: readRelease(),
    ...(openRoutes && { openRoutes }),
    createCore: (options, at) => new Controller(options, at),
  });
  const stop = () => void server.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.on('SIGHUP', () => server.reload());
  try {
    await server.start();
  } catch (error) {
    await server.close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw error;
    throw new ConfigError(
      `WEIR_CONTROLLER_LISTEN is ${config.host}:${config.port}, where nobody can listen: ${message}`,
    );
  }
  return server;
}

/** Routes of the API server, where they are to come from there. Its client is large, so only then is it loaded. */
async function openCluster(config: Config, log: Log): Promise<OpenRoutes | undefined> {
  const cluster = clusterOf(config);
  if (!cluster) return undefined;
  const { openKubernetesRoutes } = await import('./intake/routes.ts');
  return openKubernetesRoutes(cluster.namespace, log);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.env).catch((error: unknown) => {
    // What an operator got wrong is one sentence; anything else is ours, with its stack.
    const isTheirs = error instanceof ConfigError || error instanceof RouteError;
    process.stderr.write(`${isTheirs ? error.message : String((error as Error).stack)}\n`);
    process.exitCode = 1;
  });
}
