/** The policy that wants nothing of the figures: every backend the same share. The nop among policies. */

import { boundShares } from './bounds.ts';
import type { Policy } from './policy.ts';
import { toWeights } from './weights.ts';

export const equal: Policy = {
  name: 'equal',
  propose({ backends }) {
    const wanted = new Map(backends.map(({ name }) => [name, 1 / backends.length]));
    return { weights: toWeights(boundShares(wanted, backends)), reason: 'every backend gets the same share' };
  },
};
