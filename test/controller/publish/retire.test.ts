/** The end of a Deployment's controllers: what is waited for, for how long, and what is not there. */
import type { V1Pod } from '@kubernetes/client-node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type RetireOptions, retire } from '../../../controller/publish/retire.ts';

const podOf = (name: string, phase: string): V1Pod => ({ metadata: { name }, status: { phase } });

/** An API server that tells of these pods, the last list for ever. */
function rig(lists: readonly (readonly V1Pod[])[], isDeploymentThere = true) {
  const asked: string[] = [];
  let nowMs = 0;
  let looks = 0;
  const answer = (what: string, value: unknown, isThere = true) => {
    asked.push(what);
    return isThere ? Promise.resolve(value) : Promise.reject(Object.assign(new Error('not found'), { code: 404 }));
  };
  const options = {
    apps: {
      patchNamespacedDeploymentScale: () => answer('scale', { status: { selector: 'app=weir' } }, isDeploymentThere),
    },
    core: {
      listNamespacedPod: ({ labelSelector }: { labelSelector?: string }) =>
        answer(`pods ${labelSelector}`, { items: lists[Math.min(looks++, lists.length - 1)] }),
    },
    coordination: { deleteNamespacedLease: () => answer('lease', {}, false) },
    ...{ namespace: 'weir-system', name: 'weir-controller' },
    nowMs: () => nowMs,
    pause: async () => {
      nowMs += 500;
    },
  } as unknown as RetireOptions;
  return { asked, options };
}

test('it is waited for until none of its pods runs, and the Lease goes last', async () => {
  const gone = [podOf('evicted', 'Failed')];
  const { asked, options } = rig([[podOf('a', 'Running'), ...gone], gone]);
  await retire(options);
  assert.equal(asked, ['scale', 'pods app=weir', 'pods app=weir', 'lease']);
});

test('a Deployment that is not there has nobody to stop', async () => {
  const { asked, options } = rig([], false);
  await retire(options);
  assert.equal(asked, ['scale', 'lease']);
});

test('a pod that does not end is named after a minute, and the Lease stays', async () => {
  const { asked, options } = rig([[podOf('a', 'Running')]]);
  let said: Error & { code?: string } = new Error('nothing');
  await retire(options).catch((error: Error) => {
    said = error;
  });
  assert.is(said.code, 'WEIR_CONTROLLER_STILL_RUNNING');
  assert.match(said.message, /^pods of Deployment weir-system\/weir-controller are still there 60 s .*: a; while/);
  assert.not.ok(asked.includes('lease'));
});

test.run();
