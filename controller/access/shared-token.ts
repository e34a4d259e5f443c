/** One secret in a file on both sides: for a mesh with no API server that could say who somebody is. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Access, bearerOf } from './access.ts';

export function sharedToken(token: string): Access {
  const right = digest(token);
  return {
    refusal: async (_, authorization) => {
      const given = bearerOf(authorization);
      if (given === undefined) return { reason: 'none', message: 'no token was shown; give both sides the same file' };
      // Digests have one length, which timingSafeEqual wants and which says nothing about the token's.
      if (timingSafeEqual(digest(given), right)) return undefined;
      return { reason: 'bad', message: 'the token is a wrong one; give both sides the same file' };
    },
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
