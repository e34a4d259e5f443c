/** The controller's composition root: environment in, running process out. `node dist/controller/main.js` or `weir controller`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedToken } from './access/shared-token.ts';
import { systemClock } from './clock.ts';
import { type Config, ConfigError, clusterOf, type LeaseUse, parseConfig } from './config.ts';
import { Controller } from './controller.ts';
import { type FilterModule, readFilter } from './filter-module.ts';
import type { Candidate } from './lead/candidate.ts';
import { type Log, makeLog } from './log.ts';
import { Files } from './publish/files.ts';
import { Publisher } from './publish/publisher.ts';
import { readRelease } from './release.ts';
import { RouteError } from './routes/parse.ts';
import { Server, type ServerOptions } from './server.ts';

/**
 * Starts the controller and stops it at SIGTERM or SIGINT; SIGHUP reads the routes again. Where there are several it stands by until
 * it leads, and ends where it leads no more.
 * @returns once it listens
 * @throws ConfigError, RouteError, or what the operating system says of the port
 */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(env);
  const log = makeLog(config.logLevel);
  if (!config.lease) {
    const only = await makeServer(config, log);
    process.on('SIGHUP', () => only.reload());
    onStop(() => only.close());
    await orSay(
      config,
      () => only.start(),
      () => only.close(),
    );
    return;
  }
  const candidate = await makeCandidate(config, config.lease, log);
  let server: Server | undefined;
  process.on('SIGHUP', () => server?.reload());
  const close = async () => {
    await server?.close();
    await candidate.close();
  };
  // An API server that does not answer must not keep a process that was told to go.
  onStop(() => close().finally(() => process.exit()));
  await orSay(
    config,
    async () => {
      await candidate.lead();
      server = await makeServer(config, log);
      await candidate.makeRoom();
      await server.start();
      candidate.announce();
    },
    close,
  );
}

async function makeServer(config: Config, log: Log): Promise<Server> {
  const filter = readFilter();
  return new Server({
    config,
    clock: systemClock,
    log,
    release: readRelease(),
    ...(filter && { filter }),
    ...(await partsFor(config, log, filter)),
    createCore: (options, at) => new Controller(options, at),
  });
}

async function makeCandidate(config: Config, use: LeaseUse, log: Log): Promise<Candidate> {
  const { Candidate } = await import('./lead/candidate.ts');
  // What others may do from now on must not be done here too, not even a goodbye.
  const onLost = () => process.exit(1);
  return new Candidate({ config, use, clock: systemClock, random: Math.random, log, onLost });
}

function onStop(stop: () => Promise<void>): void {
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

/** @throws ConfigError in place of what the operating system says of the port */
async function orSay({ host, port }: Config, start: () => Promise<unknown>, close: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    await close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw error;
    throw new ConfigError(`WEIR_CONTROLLER_LISTEN is ${host}:${port}, where nobody can listen: ${message}`);
  }
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
