/** The one secret: what agents and whoever changes state must show as `Authorization: Bearer …`, when it is set. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a header carries the token; compares in constant time. Everybody is right where none is set. */
export function isRightToken(token: string | undefined, authorization: string | undefined): boolean {
  if (token === undefined) return true;
  const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '';
  // Digests have one length, which timingSafeEqual wants and which says nothing about the token's.
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
