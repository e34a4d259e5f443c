/**
 * A server with a certificate from files that are changed under a running process, as cert-manager changes them: they are looked at
 * now and then, and a new pair counts for connections from then on. A pair that cannot be read, or does not fit, leaves the old one.
 */
import { readFileSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import * as https from 'node:https';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../config.ts';

const LOOK_EVERY_MS = 60_000;

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class Certificate {
  private readonly files: CertificateFiles;
  private readonly onRefused: (error: ConfigError) => void;
  private pair: Pair;

  /** @param onRefused told of a later pair that is not taken @throws ConfigError when there is none to begin with */
  constructor(files: CertificateFiles, onRefused: (error: ConfigError) => void) {
    this.files = files;
    this.onRefused = onRefused;
    this.pair = readPair(files);
  }

  /** A server that looks at the files for as long as it listens. */
  serve(handler: RequestListener): Server {
    const server = https.createServer({ ...this.pair }, handler);
    const timer = setInterval(() => this.renew(server), LOOK_EVERY_MS).unref();
    server.once('close', () => clearInterval(timer));
    // Fastify tells the two apart by their behaviour alone.
    return server as unknown as Server;
  }

  /** Looks at the files now. */
  renew(server: Pick<https.Server, 'setSecureContext'>): void {
    try {
      const pair = readPair(this.files);
      if (pair.cert === this.pair.cert && pair.key === this.pair.key) return;
      server.setSecureContext({ ...pair });
      this.pair = pair;
    } catch (error) {
      this.onRefused(error as ConfigError);
    }
  }
}

function readPair({ certFile, keyFile }: CertificateFiles): Pair {
  const pair = {
    cert: readText('WEIR_CONTROLLER_TLS_CERT_FILE', certFile),
    key: readText('WEIR_CONTROLLER_TLS_KEY_FILE', keyFile),
  };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new ConfigError(`${certFile} and ${keyFile} are no certificate and its key: ${(error as Error).message}`);
  }
  return pair;
}

function readText(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${variable} is ${path}, which cannot be read: ${(error as Error).message}`);
  }
}
