/** Every policy by its name. */
import { UnknownPolicy } from '../errors.ts';
import { equal } from './equal.ts';
import { inverseLatency } from './inverse-latency.ts';
import { marginalLoss } from './marginal-loss.ts';
import type { Policy } from './policy.ts';

export const policies: readonly Policy[] = [equal, inverseLatency, marginalLoss];

export const policyNames: readonly string[] = policies.map(({ name }) => name);

/** @throws UnknownPolicy that lists what is known */
export function policyNamed(name: string): Policy {
  const policy = policies.find((each) => each.name === name);
  if (policy) return policy;
  throw new UnknownPolicy(name, policyNames);
}
