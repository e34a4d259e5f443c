/**
 * Opens a WebSocket to the controller, the token in its head. The files of the token and of the certificates are read again with
 * each connection, since both are changed under a running process; while one cannot be read what it held last counts.
 */
import { WebSocket } from 'ws';
import { MAX_FRAME_BYTES } from '../../controller/wire/messages.ts';
import { type Config, readCertificates, readToken } from '../config.ts';
import { BadConfig } from '../errors.ts';
import type { Notices } from '../log.ts';

const HANDSHAKE_LIMIT_MS = 5_000;

/** @returns what opens a connection */
export function connector(
  { controllerUrl, tokenFile, caFile }: Pick<Config, 'controllerUrl' | 'tokenFile' | 'caFile'>,
  notices: Notices,
): () => WebSocket {
  const token = lasting(tokenFile, readToken, notices, 'token_unreadable');
  const ca = lasting(caFile, readCertificates, notices, 'certificates_unreadable');
  return () => {
    const shown = token();
    const believed = ca();
    return new WebSocket(controllerUrl, {
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      headers: shown === undefined ? {} : { authorization: `Bearer ${shown}` },
      ...(believed === undefined ? {} : { ca: believed }),
    });
  };
}

/** What a file holds now; what it held last while it cannot be read; undefined where none is named. */
function lasting(
  path: string | undefined,
  read: (path: string) => string,
  notices: Notices,
  event: string,
): () => string | undefined {
  let last: string | undefined;
  return () => {
    try {
      if (path !== undefined) last = read(path);
    } catch (error) {
      if (!(error instanceof BadConfig)) throw error;
      notices.degraded(event, { code: error.code }, `${error.message}; what it held last counts`);
    }
    return last;
  };
}
