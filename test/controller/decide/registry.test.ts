/** Policies by name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { policies, policyNamed, policyNames } from '../../../controller/decide/registry.ts';
import { UnknownPolicy } from '../../../controller/errors.ts';

test('every policy is found by its name, and no two share one', () => {
  for (const policy of policies) assert.is(policyNamed(policy.name), policy);
  assert.is(new Set(policyNames).size, policies.length);
});

test('an unknown name is answered with those that are known', () => {
  assert.throws(
    () => policyNamed('learnt'),
    (error: Error) =>
      error instanceof UnknownPolicy && /policy learnt is not known; known are equal, /.test(error.message),
  );
});

test.run();
