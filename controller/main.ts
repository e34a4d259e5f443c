/** The controller's composition root: environment in, running process out. `node dist/controller/main.js` or `weir controller`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedToken } from './access/shared-token.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, clusterOf, parseConfig } from './config.ts';
import { Controller } from './controller.ts';
import { type FilterModule, readFilter } from './filter-module.ts';
import { type Log, makeLog } from './log.ts';
import { Files } from './publish/files.ts';
import { Publisher } from './publish/publisher.ts';
import { readRelease } from './release.ts';
import { RouteError } from './routes/parse.ts';
import { Server, type ServerOptions } from './server.ts';

/**
 * Starts the controller and stops it at SIGTERM or SIGINT; SIGHUP reads the routes again.
 * @returns once it listens
 * @throws ConfigError, RouteError, or what the operating system says of the port
 */
export async function main(env: NodeJS.ProcessEnv): Promise<Server> {
  const config = parseConfig(env);
  const log = makeLog(config.logLevel);
  const filter = readFilter();
  const server = new Server({
    config,
    clock: systemClock,
    log,
    release: readRelease(),
    ...(filter && { filter }),
    ...(await partsFor(config, log, filter)),
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

/** What is around the core, by where the configuration says it is. */
async function partsFor(config: Config, log: Log, filter: FilterModule | undefined): Promise<Partial<ServerOptions>> {
  const { publish, token, tokenAudience } = config;
  const asksApiServer = clusterOf(config) !== undefined || publish === 'kubernetes' || tokenAudience !== undefined;
  const cluster = asksApiServer ? await (await import('./cluster.ts')).clusterParts(config, log, filter) : {};
  return {
    ...cluster,
    ...(token !== undefined && { access: sharedToken(token) }),
    ...(typeof publish === 'object' && folderPublisher(publish.folder, log)),
  };
}

function folderPublisher(folder: string, log: Log): Pick<ServerOptions, 'openPublisher'> {
  const place = new Files(folder);
  const explain = (error: unknown) => `${place.name}: ${(error as Error).message}`;
  return { openPublisher: (count) => new Publisher({ place, log, count, explain }) };
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(process.env).catch((error: unknown) => {
    // What an operator got wrong is one sentence; anything else is ours, with its stack.
    const isTheirs = error instanceof ConfigError || error instanceof RouteError;
    process.stderr.write(`${isTheirs ? error.message : String((error as Error).stack)}\n`);
    process.exitCode = 1;
  });
}
