/**
 * Opens a WebSocket to the controller, the token in its head. The file of the token is read again with each connection, since
 * tokens are changed under a running process; while it cannot be read the last token is shown.
 */
import { WebSocket } from 'ws';
import { MAX_FRAME_BYTES } from '../../controller/wire/messages.ts';
import { type Config, readToken } from '../config.ts';
import { BadConfig } from '../errors.ts';
import type { Notices } from '../log.ts';

const HANDSHAKE_LIMIT_MS = 5_000;

/** @returns what opens a connection */
export function connector(
  { controllerUrl, tokenFile }: Pick<Config, 'controllerUrl' | 'tokenFile'>,
  notices: Notices,
): () => WebSocket {
  let token: string | undefined;
  return () => {
    try {
      if (tokenFile !== undefined) token = readToken(tokenFile);
    } catch (error) {
      if (!(error instanceof BadConfig)) throw error;
      notices.degraded('token_unreadable', { code: error.code }, `${error.message}; the last token is shown`);
    }
    return new WebSocket(controllerUrl, {
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  };
}
