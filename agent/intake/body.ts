/** Reads a request's body whole, within a limit. */
import type { IncomingMessage } from 'node:http';
import { BadRequest } from '../errors.ts';

/** @throws BadRequest when it is longer than `maxBytes` or its sender goes away within it */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const tooLong = () => new BadRequest(413, `a body has ${maxBytes} bytes at most`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(tooLong());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else reject(tooLong());
    });
    request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const cutOff = () => {
      if (!request.complete) reject(new BadRequest(400, 'the sender went away within its body'));
    };
    request.once('error', cutOff);
    request.once('close', cutOff);
  });
}
